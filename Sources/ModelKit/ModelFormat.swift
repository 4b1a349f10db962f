/// The formats a model can be stored in, by the names the command line uses.
public enum ModelFormat: String, CaseIterable, Sendable {
  case savedmodel
  case keras
  case h5
  case tflite
  case onnx
  case tfjsLayers = "tfjs-layers"
  case tfjsGraph = "tfjs-graph"

  /// How the format is called in messages.
  public var title: String {
    switch self {
    case .savedmodel: "TensorFlow SavedModel"
    case .keras: "Keras archive"
    case .h5: "Keras HDF5"
    case .tflite: "TensorFlow Lite"
    case .onnx: "ONNX"
    case .tfjsLayers: "TensorFlow.js layers model"
    case .tfjsGraph: "TensorFlow.js graph model"
    }
  }

  /// Whether a model of this format is a directory.
  public var isDirectory: Bool {
    switch self {
    case .savedmodel, .tfjsLayers, .tfjsGraph: true
    case .keras, .h5, .tflite, .onnx: false
    }
  }

  /// Whether a model of this format may have several entry points.
  public var holdsSignatures: Bool {
    switch self {
    case .savedmodel, .tflite: true
    case .keras, .h5, .onnx, .tfjsLayers, .tfjsGraph: false
    }
  }

  /// The format a destination's extension stands for; directories have none.
  public init?(destination path: String) {
    let name = path.split(separator: "/").last.map(String.init) ?? path
    guard let dot = name.lastIndex(of: ".") else { return nil }
    switch name[name.index(after: dot)...].lowercased() {
    case "keras": self = .keras
    case "h5", "hdf5": self = .h5
    case "tflite": self = .tflite
    case "onnx": self = .onnx
    default: return nil
    }
  }
}
