import Foundation
import ModelSupport
import TFJSFormat

/// A model of TensorFlow.js in a directory of its own, which goes with it.
final class ModelDirectory {
  let path: String

  init(_ document: String, shards: [String: [UInt8]] = [:]) throws {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("tfjs-\(UUID().uuidString)/model")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    path = url.path
    try Data(document.utf8).write(to: url.appendingPathComponent("model.json"))
    for (name, bytes) in shards { try Data(bytes).write(to: url.appendingPathComponent(name)) }
  }

  deinit { try? FileManager.default.removeItem(atPath: (path as NSString).deletingLastPathComponent) }

  var parent: String { (path as NSString).deletingLastPathComponent }

  /// A document around a manifest, with a topology that nobody looks at.
  static func document(manifest: String) -> String {
    #"{"format": "layers-model", "modelTopology": {"class_name": "Sequential", "config": {"layers": []}}, "weightsManifest": \#(manifest)}"#
  }

  /// A Dense of two inputs and one unit as TF.js itself writes it.
  static let dense = """
    {"modelTopology": {"class_name": "Sequential", "config": {"name": "m", "layers": [{"class_name": "Dense", "config": {
    "units": 1, "activation": "linear", "use_bias": true, "kernel_constraint": null, "name": "dense_Dense1", "trainable": true,
    "batch_input_shape": [null, 2], "dtype": "float32"}}]}, "keras_version": "tfjs-layers 4.22.0", "backend": "tensor_flow.js"},
    "format": "layers-model", "generatedBy": "TensorFlow.js tfjs-layers v4.22.0", "convertedBy": null,
    "userDefinedMetadata": {"author": "ann", "tags": [1, 2]},
    "weightsManifest": [{"paths": ["./weights.bin"], "weights": [
    {"name": "dense_Dense1/kernel", "shape": [2, 1], "dtype": "float32"}, {"name": "dense_Dense1/bias", "shape": [1], "dtype": "float32"}]}]}
    """

  /// The bytes of floats.
  static func bytes(_ values: [Float]) -> [UInt8] { values.withUnsafeBytes { [UInt8]($0) } }
}

extension TFJSFile.Weight {
  func floats() throws -> [Float] { try tensor.array().doubles().map { Float($0) } }
}
