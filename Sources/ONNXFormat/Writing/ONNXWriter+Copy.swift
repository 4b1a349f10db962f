import ModelSupport
import ProtobufWire

extension ONNXWriter {
  /// Writes a file's messages as they stand, unknown fields included. External data moves to `<path>.data`, whatever the files it came
  /// from were called. Nodes that stand before what they use are put behind it.
  public static func copy(_ file: ONNXFile, to path: String) throws {
    var proto = file.model
    if var graph = proto.graph {
      try attachExternalData(&graph, file.files)
      let order = NodeOrder(graph.node)
      if !order.hasCycle, order.indices != Array(graph.node.indices) { graph.node = order.indices.map { graph.node[$0] } }
      proto.graph = graph
    }
    let slash = path.lastIndex(of: "/")
    let name = slash.map { String(path[path.index(after: $0)...]) } ?? path
    let external = try ExternalDataPlan(&proto, mode: .automatic, location: name + ".data")
    let output = try AtomicOutput(destination: path, replaceExisting: true)
    if !external.isEmpty {
      let data = try AtomicOutput(destination: path + ".data", replaceExisting: true)
      try external.write(to: data.temporaryPath)
      try data.commit()
    }
    try proto.write(to: output.temporaryPath)
    try output.commit()
  }

  /// Gives tensors in other files the source of their bytes, still marked as external.
  static func attachExternalData(_ graph: inout GraphProto, _ files: ExternalFiles) throws {
    func attach(_ tensor: inout TensorProto) throws {
      guard tensor.dataLocation == .external, tensor.rawData == nil else { return }
      tensor.rawData = WireBytes(try tensor.tensor(files).source)
    }
    for index in graph.initializer.indices { try attach(&graph.initializer[index]) }
    for node in graph.node.indices {
      for index in graph.node[node].attribute.indices {
        var attribute = graph.node[node].attribute[index]
        if var inner = attribute.g?.value {
          try attachExternalData(&inner, files)
          attribute.g = Indirect(inner)
        } else if var tensor = attribute.t?.value, tensor.dataLocation == .external {
          try attach(&tensor)
          attribute.t = Indirect(tensor)
        } else {
          continue
        }
        graph.node[node].attribute[index] = attribute
      }
    }
  }
}
