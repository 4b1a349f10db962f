import Foundation
import KerasFormat
import KerasStorage
import ModelGraph
import ModelSupport
import Testing

/// Archives that Keras made, read and written again.
@Suite struct KerasRewriteTests {
  static let cases =
    (try? FileManager.default.contentsOfDirectory(atPath: Fixtures.path("keras")))?.sorted().filter {
      FileManager.default.fileExists(atPath: Fixtures.path("keras/\($0)/model.keras"))
    } ?? []

  @Test func findsTheFixtures() { #expect(Self.cases.count > 10) }

  @Test(arguments: cases) func keepsEverything(_ name: String) throws {
    let original = try KerasFile(path: Fixtures.path("keras/\(name)/model.keras"))
    let written = TemporaryFile("keras")
    let losses = try KerasWriter.write(try KerasReader.read(original), to: written.path)
    #expect(losses.isEmpty)
    let again = try KerasFile(path: written.path)
    #expect(again.config == original.config, "the configuration changed")
    #expect(again.metadata == original.metadata)
    let before = try #require(try original.weightTree()).all(), after = try #require(try again.weightTree()).all()
    for group in before where !group.variables.isEmpty {
      let other = try #require(after.first { $0.path == group.path }, "\(group.path)")
      #expect(other.name == group.name, "\(group.path)")
      #expect(other.variables.map(\.name) == group.variables.map(\.name))
      for (a, b) in zip(group.variables, other.variables) {
        #expect(a.tensor.type == b.tensor.type, "\(group.path)/\(a.name)")
        #expect(try a.tensor.source.bytes() == b.tensor.source.bytes(), "\(group.path)/\(a.name)")
      }
    }
    if let directory = ProcessInfo.processInfo.environment["KEEP_WRITTEN"] {
      try? FileManager.default.copyItem(atPath: written.path, toPath: "\(directory)/\(name).keras")
    }
  }

  @Test func leavesWeightsWhereTheyAre() throws {
    let model = try KerasReader.read(Fixtures.path("keras/mlp-functional/model.keras"))
    #expect(!model.parameters.isEmpty)
    for parameter in model.parameters { #expect(parameter.tensor.source.extent != nil, "\(parameter.name)") }
  }
}
