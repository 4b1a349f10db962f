import ModelSupport
import ModelTensor
import ProtobufWire

/// Which weights go to a file beside the model, and where in it they stand.
struct ExternalDataPlan {
  private var pieces = PieceFile()
  var isEmpty: Bool { pieces.pieces.isEmpty }
  /// Larger models do not fit a protobuf message.
  static let messageLimit = 2_000_000_000
  /// Smaller tensors stay in the model.
  static let least = 1024
  static let alignment = 4096

  /// Decides, and changes the initializers of all graphs accordingly.
  init(_ proto: inout ModelProto, mode: ONNXWriter.ExternalData, location: String) throws {
    guard var graph = proto.graph else { return }
    var total = 0, hasExternal = false
    Self.forEachTensor(&graph) { tensor in
      total += tensor.rawData?.count ?? 0
      if tensor.dataLocation == .external { hasExternal = true }
    }
    let isNeeded = mode == .always || mode == .automatic && (hasExternal || total > Self.messageLimit)
    guard isNeeded || hasExternal else { return }
    var pieces = PieceFile()
    Self.forEachTensor(&graph) { tensor in
      let wasExternal = tensor.dataLocation == .external
      tensor.externalData = []
      tensor.dataLocation = nil
      guard isNeeded, let raw = tensor.rawData, wasExternal || raw.count >= Self.least else { return }
      let offset = pieces.append(raw.source, alignment: Self.alignment)
      tensor.externalData = [("location", location), ("offset", "\(offset)"), ("length", "\(raw.count)")].map { key, value in
        var entry = StringStringEntryProto()
        entry.key = key
        entry.value = value
        return entry
      }
      tensor.dataLocation = .external
      tensor.rawData = nil
    }
    self.pieces = pieces
    proto.graph = graph
  }

  private static func forEachTensor(_ graph: inout GraphProto, _ body: (inout TensorProto) -> Void) {
    for index in graph.initializer.indices { body(&graph.initializer[index]) }
    for node in graph.node.indices {
      for attribute in graph.node[node].attribute.indices {
        if var inner = graph.node[node].attribute[attribute].g?.value {
          forEachTensor(&inner, body)
          graph.node[node].attribute[attribute].g = Indirect(inner)
        }
        if var tensor = graph.node[node].attribute[attribute].t?.value, tensor.rawData != nil {
          body(&tensor)
          graph.node[node].attribute[attribute].t = Indirect(tensor)
        }
      }
    }
  }

  /// Writes the file, each piece at its place.
  func write(to path: String) throws { try pieces.write(to: path) }
}
