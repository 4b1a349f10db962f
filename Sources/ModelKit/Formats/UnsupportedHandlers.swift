import ModelSupport

/// A TensorFlow SavedModel: recognised, not read yet.
struct SavedModelHandler: FormatHandler {
  let format = ModelFormat.savedmodel
  func matches(_ candidate: FormatCandidate) -> Bool {
    guard let entries = candidate.entries else { return false }
    return entries.contains("saved_model.pb") || entries.contains("saved_model.pbtxt")
  }
}

/// A TensorFlow Lite flatbuffer: recognised, not read yet.
struct TFLiteHandler: FormatHandler {
  let format = ModelFormat.tflite
  func matches(_ candidate: FormatCandidate) -> Bool { candidate.has(Array("TFL3".utf8), at: 4) }
}

/// A TensorFlow.js model, told apart by its `format` field: recognised, not read yet.
struct TFJSHandler: FormatHandler {
  let format: ModelFormat
  init(_ format: ModelFormat) { self.format = format }
  func matches(_ candidate: FormatCandidate) -> Bool {
    guard let file = candidate.file, let first = file.bytes.first(where: { !$0.isSpace }),
      first == UInt8(ascii: "{"), candidate.mentions("weightsManifest"),
      let json = try? JSONValue(parsing: file.bytes, file: nil)
    else { return false }
    switch json["format"]?.stringValue {
    case "layers-model": return format == .tfjsLayers
    case "graph-model": return format == .tfjsGraph
    // Early converters left the field out; a layers model's topology has a configuration.
    default:
      let isLayers = json["modelTopology"]?["model_config"] != nil || json["modelTopology"]?["class_name"] != nil
      return isLayers == (format == .tfjsLayers)
    }
  }
}

extension UInt8 {
  fileprivate var isSpace: Bool { self == 0x20 || self == 0x0A || self == 0x0D || self == 0x09 }
}
