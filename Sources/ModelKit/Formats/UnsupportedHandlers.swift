import ModelSupport

/// A TensorFlow Lite flatbuffer: recognised, not read yet.
struct TFLiteHandler: FormatHandler {
  let format = ModelFormat.tflite
  func matches(_ candidate: FormatCandidate) -> Bool { candidate.has(Array("TFL3".utf8), at: 4) }
}
