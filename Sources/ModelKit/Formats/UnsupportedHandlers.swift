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
