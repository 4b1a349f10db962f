import ModelSupport
import ModelTensor
import TensorFlowGraph

/// A TensorFlow graph as text, node by node, its functions behind it:
/// ```
/// graph
///   x = Placeholder() dtype=float32 shape=[?, 4]
/// function inference (x: float32) → (y = add:z:0)
///   add = AddV2(x, captured) T=float32
/// ```
struct TensorFlowGraphText {
  private(set) var text = ""

  init(_ graph: GraphDef) {
    line(0, "graph")
    for node in graph.node { write(node) }
    for function in graph.library?.function ?? [] {
      let signature = function.signature ?? OpDef()
      let inputs = signature.inputArg.map { "\($0.name ?? ""): \(Self.name($0.type))" }.joined(separator: ", ")
      let outputs = signature.outputArg.map { argument in
        let name = argument.name ?? ""
        return "\(name) = \(function.ret.first { $0.key == name }?.value ?? "?")"
      }
      line(0, "function \(signature.name ?? "") (\(inputs)) → (\(outputs.joined(separator: ", ")))")
      for node in function.nodeDef { write(node) }
    }
  }

  private mutating func line(_ indent: Int, _ content: String) {
    text += String(repeating: "  ", count: indent) + content.printable + "\n"
  }

  private static func name(_ type: DataType?) -> String { type.map { $0.dtype?.rawValue ?? $0.name } ?? "?" }

  private mutating func write(_ node: NodeDef) {
    var content = "\(node.name ?? "?") = \(node.op ?? "?")(\(node.input.joined(separator: ", ")))"
    for attribute in node.attr where attribute.key?.hasPrefix("_") != true {
      content += " \(attribute.key ?? "")=\(attribute.value.map(Self.value) ?? "?")"
    }
    if let device = node.device, !device.isEmpty { content += "  # \(device)" }
    line(1, content)
  }

  private static func quoted(_ bytes: [UInt8]) -> String {
    JSONValue.string(String(decoding: bytes, as: UTF8.self)).text().abbreviated(to: 80)
  }

  private static func list(_ items: [String]) -> String {
    items.count > 32 ? "[\(items.prefix(32).joined(separator: ", ")), … \(items.count) in all]" : "[\(items.joined(separator: ", "))]"
  }

  private static func value(_ attribute: AttrValue) -> String {
    if let v = attribute.s { return quoted((try? v.bytes()) ?? []) }
    if let v = attribute.i { return String(v) }
    if let v = attribute.f { return numberText(Double(v)) }
    if let v = attribute.b { return String(v) }
    if let v = attribute.type { return name(v) }
    if let v = attribute.shape { return v.shape.description }
    if let v = attribute.tensor?.value { return tensor(v) }
    if let v = attribute.placeholder { return "@\(v)" }
    if let v = attribute.function?.value { return v.name ?? "?" }
    guard let v = attribute.list else { return "?" }
    if !v.s.isEmpty { return list(v.s.map { quoted((try? $0.bytes()) ?? []) }) }
    if !v.i.isEmpty { return list(v.i.map { String($0) }) }
    if !v.f.isEmpty { return list(v.f.map { numberText(Double($0)) }) }
    if !v.b.isEmpty { return list(v.b.map { String($0) }) }
    if !v.type.isEmpty { return list(v.type.map { name($0) }) }
    if !v.shape.isEmpty { return list(v.shape.map { $0.shape.description }) }
    if !v.function.isEmpty { return list(v.function.map { $0.name ?? "?" }) }
    if !v.tensor.isEmpty { return list(v.tensor.map { tensor($0) }) }
    return "[]"
  }

  /// A tensor's type, and its elements when they are few.
  private static func tensor(_ proto: TensorProto) -> String {
    let shape = proto.tensorShape?.shape ?? .ranked([])
    let type = "\(name(proto.dtype))\(shape)"
    guard let count = shape.elementCount, (1...8).contains(count), let array = try? proto.tensor().array() else { return type }
    let items: [String]
    if let integers = array.integers() {
      items = integers.map { String($0) }
    } else if array.dtype == .string {
      items = array.strings.map { quoted($0) }
    } else {
      items = array.doubles().map { numberText($0) }
    }
    return shape.rank == 0 ? "\(type) \(items.first ?? "")" : "\(type) [\(items.joined(separator: ", "))]"
  }
}
