import Foundation
import ModelSupport
import Testing

@testable import ModelKit

@Suite struct DetectionTests {
  /// A file or, for names with a slash, a directory that holds one.
  private func detect(_ name: String, _ bytes: [UInt8]) throws -> ModelFormat {
    let root = NSTemporaryDirectory() + "detect-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: root) }
    let file = URL(fileURLWithPath: "\(root)/\(name)")
    try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: file)
    return try FormatRegistry.detect(name.contains("/") ? file.deletingLastPathComponent().path : file.path)
  }
  private func zip(_ entry: String) -> [UInt8] { [0x50, 0x4B, 3, 4] + [UInt8](repeating: 0, count: 26) + Array(entry.utf8) }
  private let hdf5: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]

  @Test func goesByContentsAndNotByName() throws {
    #expect(try detect("model.onnx", zip("config.json")) == .keras)
    #expect(try detect("model.keras", hdf5) == .h5)
    #expect(try detect("model", [UInt8](repeating: 0, count: 512) + hdf5) == .h5)
    #expect(try detect("model.h5", [0x1C, 0, 0, 0] + Array("TFL3".utf8)) == .tflite)
    // IR version 8 and an empty graph.
    #expect(try detect("model.pb", [0x08, 8, 0x3A, 0]) == .onnx)
    #expect(try detect("graph.txt", Array("saved_model_schema_version: 1\nmeta_graphs {\n}\n".utf8)) == .savedmodel)
    let node = "node {\n  name: \"x\"\n  op: \"Placeholder\"\n}\n"
    #expect(try detect("graph.pbtxt", Array(node.utf8)) == .savedmodel)
    #expect(try detect("graph.pbtxt", Array("# RUN: translate %s\n\n  # what follows, {is}: a graph\n\(node)".utf8)) == .savedmodel)
    #expect(try detect("graph.pbtxt", Array("versions {\n  producer: 27\n}\n\(node)".utf8)) == .savedmodel)
  }

  @Test func directories() throws {
    #expect(try detect("m/saved_model.pb", []) == .savedmodel)
    #expect(try detect("m/model.json", Array(#"{"format": "layers-model", "weightsManifest": []}"#.utf8)) == .tfjsLayers)
    #expect(try detect("m/model.json", Array(#"{"format": "graph-model", "weightsManifest": []}"#.utf8)) == .tfjsGraph)
    #expect(try detect("m.json", Array(#"{"weightsManifest": [], "modelTopology": {"model_config": {}}}"#.utf8)) == .tfjsLayers)
  }

  @Test(
    arguments: [
      [], [0x08], Array("# a comment without an end".utf8),
      // Of another program: its nodes have no operators.
      Array("node {\n  calculator: \"PassThrough\"\n}\n".utf8), Array("PK".utf8), Array("{\"a\": 1}".utf8),
      [0x50, 0x4B, 3, 4] + Array("x.npy".utf8), [0x3A, 0xFF, 0xFF, 0xFF, 0x0F],
    ] as [[UInt8]])
  func refusesWhatIsNoModel(_ bytes: [UInt8]) {
    #expect { try detect("model", bytes) } throws: { ($0 as? FormatError)?.code == .unrecognized }
  }
}
