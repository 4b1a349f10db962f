import KerasConfig
import ModelGraph
import ModelLayers
import ModelSupport
import ModelTensor

/// A model's graphs as text, node by node, each body below its first node:
/// ```
/// graph main (x: float32[batch, 4]) → (y)
///   weight dense/kernel: float32[4, 3]
///   y: float32[batch, 3] = Dense(x, dense/kernel) units=3  # dense
/// ```
public struct GraphText {
  private let model: Model
  public private(set) var text = ""
  private var seen: Set<GraphID> = []

  public init(_ model: Model) {
    self.model = model
    write(model.main, title: "graph main", indent: 0)
    for signature in model.signatures { write(signature.graph, title: "signature \(signature.name)", indent: 0) }
  }

  private mutating func line(_ indent: Int, _ content: String) {
    text += String(repeating: "  ", count: indent) + content.printable + "\n"
  }

  private mutating func write(_ id: GraphID, title: String, indent: Int) {
    guard let graph = model.graphs[id] else { return }
    guard seen.insert(id).inserted else { return line(indent, "\(title): as above") }
    let inputs = graph.inputs.map { "\($0.name): \(graph[$0.value].type)" }.joined(separator: ", ")
    let outputs = graph.outputs.map { port in
      let value = graph[port.value].name
      return value == port.name ? value : "\(port.name) = \(value)"
    }
    line(indent, "\(title) (\(inputs)) → (\(outputs.joined(separator: ", ")))")
    for value in graph.valueIDs {
      if case .parameter = graph[value].definition { line(indent + 1, "weight \(graph[value].name): \(graph[value].type)") }
    }
    for node in ((try? graph.order()) ?? graph.nodeIDs).map({ graph[$0] }) {
      write(node, in: graph, indent: indent + 1)
    }
  }

  private mutating func write(_ node: Node, in graph: Graph, indent: Int) {
    let results = node.outputs.map { "\(graph[$0].name): \(graph[$0].type)" }.joined(separator: ", ")
    let arguments = node.inputs.map { $0.map { argument($0, graph) } ?? "_" }.joined(separator: ", ")
    var content = "\(results) = \(node.op.displayName)(\(arguments))"
    for (name, value) in attributes(node.op) { content += " \(name)=\(value.abbreviated(to: 80))" }
    if !node.name.isEmpty { content += "  # \(node.name)" }
    line(indent, content)
    for (index, body) in node.bodies.enumerated() { write(body, title: "body \(index) \(body.name)", indent: indent + 2) }
  }

  /// The attributes by the names that files have for them: a layer's as Keras writes its configuration, others in snake case.
  private func attributes(_ op: any Op) -> [(name: String, value: String)] {
    if let layer = (op as? LayerOp)?.layer, let config = try? LayerRules.rule(for: layer)?.write(layer).objectValue {
      return config.compactMap { name, value in value.isNull ? nil : (name, value.stringValue ?? value.text()) }
    }
    return op.attributes.compactMap { name, value in
      if case .none = value { return nil }
      return (name.snakeCased, value.description)
    }
  }

  /// A value by name; a small constant without one by its elements.
  private func argument(_ id: ValueID, _ graph: Graph) -> String {
    let value = graph[id]
    guard case .constant(let tensor) = value.definition else { return value.name.isEmpty ? "?" : value.name }
    guard tensor.elementCount <= 8, tensor.dtype != .string, let array = try? tensor.array() else {
      return value.name.isEmpty ? "constant \(value.type)" : value.name
    }
    let items = array.integers().map { $0.map { String($0) } } ?? array.doubles().map { numberText($0) }
    return tensor.extents.isEmpty ? items.first ?? "?" : "[\(items.joined(separator: ", "))]"
  }
}

extension String {
  /// `keepDims` as `keep_dims`.
  fileprivate var snakeCased: String {
    reduce(into: "") { text, character in
      if character.isUppercase, let last = text.last, last.isLowercase { text += "_" }
      text += character.lowercased()
    }
  }
}
