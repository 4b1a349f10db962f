import Foundation
import ModelGraph
import ModelKit
import ModelRuntime
import ModelSupport
import ModelTensor
import TestSupport
import Testing

/// A model of the fixtures with what the real framework computed with it.
struct WholeModelCase: CustomTestStringConvertible, Sendable {
  var folder: URL
  var format: String
  var parameters: Int?
  var testDescription: String { "\(format)/\(folder.lastPathComponent)" }
  var model: String { folder.appending(path: "model.\(format)").path }

  static let fixtures = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "fixtures")

  static let all: [WholeModelCase] = {
    guard let data = try? Data(contentsOf: fixtures.appending(path: "manifest.json")),
      let entries = try? JSONValue(parsing: [UInt8](data)).arrayValue
    else { return [] }
    return entries.compactMap { entry in
      guard let path = entry["path"]?.stringValue, let format = entry["format"]?.stringValue else { return nil }
      return WholeModelCase(folder: fixtures.appending(path: path), format: format, parameters: entry["parameters"]?.intValue)
    }
  }()

  func data(_ name: String) throws -> [DataFile.Entry] { try DataFile.read(folder.appending(path: "\(name).npz").path) }
}

/// Whole models against what Keras, tf_keras and ONNX Runtime recorded, within 1e-5 absolute + 1e-4 relative (2e-3 where the
/// model computes in float16, whose last place is 1e-3).
@Suite struct WholeModelFixturesTests {
  @Test func fixturesAreThere() { #expect(WholeModelCase.all.count >= 25) }

  @Test(arguments: WholeModelCase.all) func isRecognised(_ item: WholeModelCase) throws {
    #expect(try FormatRegistry.detect(item.model).rawValue == item.format)
    let inspection = try FormatRegistry.inspect(item.model)
    if let parameters = item.parameters { #expect(inspection.parameters == parameters) }
    let inputs = try item.data("inputs").map(\.name), outputs = try item.data("outputs").map(\.name)
    #expect(inspection.inputs.map(\.name) == inputs)
    #expect(inspection.outputs.map(\.name) == outputs)
  }

  @Test(arguments: WholeModelCase.all) func computesWhatWasRecorded(_ item: WholeModelCase) throws {
    try check(item.model, item)
  }

  /// Every direction, read back and computed again.
  @Test(arguments: WholeModelCase.all) func convertsEverywhere(_ item: WholeModelCase) throws {
    let directory = FileManager.default.temporaryDirectory.appending(path: "modelctl-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    for target in ["keras", "h5", "onnx"] {
      let destination = directory.appending(path: "model.\(target)").path
      let report = try Converter().convert(item.model, to: destination)
      #expect(report.bytes > 0)
      try check(destination, item)
    }
  }

  private func check(_ path: String, _ item: WholeModelCase) throws {
    let executor = try Executor(try FormatRegistry.open(path))
    let results = try executor.run(try item.data("inputs").map(\.array))
    let expected = try item.data("outputs")
    try #require(results.count == expected.count)
    let (absolute, relative) = item.folder.lastPathComponent == "mixed-precision" ? (2e-3, 2e-3) : (1e-5, 1e-4)
    for (result, expected) in zip(results, expected) {
      try #require(result.shape == expected.array.shape)
      #expect(result.dtype == expected.array.dtype)
      let excess = worstExcess(result, expected.array, absolute: absolute, relative: relative)
      #expect(excess <= 0, "\(path), output \(expected.name): off by \(excess)")
    }
  }
}
