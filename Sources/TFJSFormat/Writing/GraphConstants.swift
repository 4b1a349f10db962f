import ModelSupport
import ModelTensor
import ProtobufWire
import TensorFlowGraph

/// Takes the elements of constants out of a graph: a graph model keeps them in its shards, by the names of their nodes.
struct GraphConstants {
  private(set) var weights: [(name: String, tensor: Tensor)] = []
  private var names: Set<String> = []

  /// - Throws: `FormatError` for a constant whose elements are not what it says.
  mutating func strip(_ graph: GraphDef) throws -> GraphDef {
    var graph = graph
    _ = try strip(&graph.node, prefix: "")
    for index in (graph.library?.function ?? []).indices {
      guard var function = graph.library?.function[index] else { continue }
      let renamed = try strip(&function.nodeDef, prefix: (function.signature?.name ?? "function\(index)") + "/")
      if !renamed.isEmpty {
        for node in function.nodeDef.indices {
          function.nodeDef[node].input = function.nodeDef[node].input.map { Self.renamed($0, renamed) }
        }
        for entry in function.ret.indices { function.ret[entry].value = function.ret[entry].value.map { Self.renamed($0, renamed) } }
      }
      graph.library?.function[index] = function
    }
    return graph
  }

  /// - Returns: the new names of nodes whose own names others have: all functions share the names of weights.
  private mutating func strip(_ nodes: inout [NodeDef], prefix: String) throws -> [String: String] {
    var renamed: [String: String] = [:]
    for index in nodes.indices where nodes[index].op == "Const" {
      let name = nodes[index].name ?? ""
      guard let place = nodes[index].attr.firstIndex(where: { $0.key == "value" }),
        let proto = nodes[index].attr[place].value?.tensor?.value
      else { continue }
      var unique = name
      if names.contains(name) {
        unique = prefix + name
        while names.contains(unique) { unique += "_" }
        renamed[name] = unique
        nodes[index].name = unique
      }
      names.insert(unique)
      weights.append((unique, try within("node \(name)") { try Self.bounded(try proto.tensor()) }))
      var bare = TensorProto()
      bare.dtype = proto.dtype
      bare.tensorShape = proto.tensorShape ?? TensorShapeProto()
      nodes[index].attr[place].value?.tensor = Indirect(bare)
    }
    return renamed
  }

  /// Bounds of slices that mean "as far as it goes" are the ends of 64 bits; TF.js has 32, whose ends mean the same.
  private static func bounded(_ tensor: Tensor) throws -> Tensor {
    guard tensor.dtype == .int64, tensor.elementCount <= 1024, let values = try tensor.array().integers() else { return tensor }
    let ends: Set<Int> = [.max, .min, .max - 1, -.max]
    guard values.contains(where: ends.contains) else { return tensor }
    let bounded = values.map { ends.contains($0) ? Int64($0 < 0 ? Int32.min : Int32.max) : Int64($0) }
    return Tensor(tensor.type, source: MemorySource(bounded.withUnsafeBytes { [UInt8]($0) }))
  }

  /// `node:output:0` of a node that has a new name.
  private static func renamed(_ reference: String, _ names: [String: String]) -> String {
    let isControl = reference.hasPrefix("^")
    let text = isControl ? String(reference.dropFirst()) : reference
    let node = text.split(separator: ":", maxSplits: 1).first.map(String.init) ?? text
    guard let name = names[node] else { return reference }
    return (isControl ? "^" : "") + name + text.dropFirst(node.count)
  }
}
