import Foundation
import KerasH5Format
import KerasStorage
import ModelGraph
import ModelSupport
import Testing

/// Files that Keras made, read and written again.
@Suite struct KerasH5RewriteTests {
  static let cases =
    (try? FileManager.default.contentsOfDirectory(atPath: Fixtures.path("h5")))?.sorted().filter {
      FileManager.default.fileExists(atPath: Fixtures.path("h5/\($0)/model.h5"))
    } ?? []

  @Test func findsTheFixtures() { #expect(Self.cases.count > 5) }

  @Test(arguments: cases) func keepsEverything(_ name: String) throws {
    let original = try KerasH5File(path: Fixtures.path("h5/\(name)/model.h5"))
    let written = TemporaryFile("h5")
    let losses = try KerasH5Writer.write(try KerasH5Reader.read(original), to: written.path)
    #expect(losses.isEmpty)
    let again = try KerasH5File(path: written.path)
    #expect(again.config == original.config, "the configuration changed")
    #expect(again.trainingConfig == original.trainingConfig)
    #expect(again.version == original.version)
    let before = try original.weights(), after = try again.weights()
    #expect(before.map(\.name) == after.map(\.name))
    for (a, b) in zip(before, after) {
      #expect(a.tensor.type == b.tensor.type, "\(a.name)")
      #expect(try a.tensor.source.bytes() == b.tensor.source.bytes(), "\(a.name)")
    }
    #expect(try original.optimizerWeights().map(\.name) == again.optimizerWeights().map(\.name))
    if let directory = ProcessInfo.processInfo.environment["KEEP_WRITTEN"] {
      try? FileManager.default.copyItem(atPath: written.path, toPath: "\(directory)/\(name).h5")
    }
  }
}
