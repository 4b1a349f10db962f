import Foundation
import ModelKit
import ModelRuntime
import ModelTensor
import Testing

/// Quantised operators against what LiteRT's reference kernels recorded: every stored number equal.
@Suite struct QuantizedFixturesTests {
  static let cases: [URL] = {
    let folder = WholeModelCase.fixtures.appending(path: "tflite/quantized")
    let entries = (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? []
    return entries.filter { $0.pathExtension.isEmpty }.sorted { $0.path < $1.path }
  }()

  @Test func fixturesAreThere() { #expect(Self.cases.count == 21) }

  @Test(arguments: cases) func computesTheSameIntegers(_ folder: URL) throws {
    let executor = try Executor(try FormatRegistry.open(folder.appending(path: "model.tflite").path))
    let inputs = try DataFile.read(folder.appending(path: "inputs.npz").path).map(\.array)
    let expected = try DataFile.read(folder.appending(path: "outputs.npz").path)
    let results = try executor.run(inputs)
    try #require(results.count == expected.count)
    for (result, expected) in zip(results, expected) {
      #expect(result.dtype == expected.array.dtype && result.shape == expected.array.shape, "\(expected.name)")
      let isEqual = result.withBytes { a in expected.array.withBytes { b in a.elementsEqual(b) } }
      #expect(isEqual, "\(folder.lastPathComponent): \(expected.name)")
    }
  }
}
