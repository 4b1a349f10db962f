import ModelSupport
import ModelTensor
import ONNXFormat

/// An ONNX file as text, node by node, bodies nested:
/// ```
/// graph main (x: float32[N, 3, 8, 8]) → (y)
///   weight w: float32[4, 3, 3, 3]
///   y: float32[N, 4, 6, 6] = Conv(x, w) strides=[1, 1]  # conv1
/// ```
struct ONNXGraphText {
  private let file: ONNXFile
  private(set) var text = ""

  init(_ file: ONNXFile) {
    self.file = file
    write(file.graph, title: "graph \(file.graph.name ?? "")", indent: 0)
    for function in file.model.functions { write(function) }
  }

  private mutating func line(_ indent: Int, _ content: String) {
    text += String(repeating: "  ", count: indent) + content.printable + "\n"
  }

  private mutating func write(_ graph: GraphProto, title: String, indent: Int) {
    var types: [String: String] = [:]
    for value in graph.valueInfo + graph.output { types[value.name ?? ""] = value.typeText }
    let inputs = graph.input.map { "\($0.name ?? ""): \($0.typeText)" }.joined(separator: ", ")
    line(indent, "\(title) (\(inputs)) → (\(graph.output.map { $0.name ?? "" }.joined(separator: ", ")))")
    for tensor in graph.initializer { line(indent + 1, "weight \(tensor.name ?? ""): \(tensor.typeText)\(values(tensor))") }
    for tensor in graph.sparseInitializer {
      line(indent + 1, "weight \(tensor.values?.name ?? ""): sparse \(tensor.values?.dataType?.dtype?.rawValue ?? "?")\(tensor.dims)")
    }
    for node in graph.node { write(node, types: types, indent: indent + 1) }
  }

  private mutating func write(_ function: FunctionProto) {
    let name = [function.domain ?? "", function.name ?? ""].filter { !$0.isEmpty }.joined(separator: "::")
    line(0, "function \(name) (\(function.input.joined(separator: ", "))) → (\(function.output.joined(separator: ", ")))")
    let types = Dictionary(function.valueInfo.map { ($0.name ?? "", $0.typeText) }, uniquingKeysWith: { $1 })
    for node in function.node { write(node, types: types, indent: 1) }
  }

  private mutating func write(_ node: NodeProto, types: [String: String], indent: Int) {
    let results = node.output.map { name in
      name.isEmpty ? "_" : name + (types[name].map { ": \($0)" } ?? "")
    }
    var content = "\(results.joined(separator: ", ")) = \(node.displayName)"
    content += "(\(node.input.map { $0.isEmpty ? "_" : $0 }.joined(separator: ", ")))"
    for attribute in node.attribute where attribute.g == nil && attribute.graphs.isEmpty {
      content += " \(attribute.name ?? "")=\(value(attribute))"
    }
    if let name = node.name, !name.isEmpty { content += "  # \(name)" }
    line(indent, content)
    for attribute in node.attribute {
      let graphs = (attribute.g.map { [$0.value] } ?? []) + attribute.graphs
      for graph in graphs { write(graph, title: "\(attribute.name ?? "") \(graph.name ?? "")", indent: indent + 2) }
    }
  }

  private func value(_ attribute: AttributeProto) -> String {
    func list(_ items: [String]) -> String {
      items.count > 32 ? "[\(items.prefix(32).joined(separator: ", ")), … \(items.count) in all]" : "[\(items.joined(separator: ", "))]"
    }
    func quoted(_ bytes: [UInt8]) -> String { JSONValue.string(String(decoding: bytes, as: UTF8.self)).text().abbreviated(to: 80) }
    if let name = attribute.refAttrName, !name.isEmpty { return "@\(name)" }
    if let v = attribute.i { return String(v) }
    if let v = attribute.f { return numberText(Double(v)) }
    if let v = attribute.s { return quoted((try? v.bytes()) ?? []) }
    if let v = attribute.t?.value { return "\(v.typeText)\(values(v))" }
    if let v = attribute.sparseTensor?.value { return "sparse \(v.values?.dataType?.dtype?.rawValue ?? "?")\(v.dims)" }
    if let v = attribute.tp?.value { return v.described.dtype }
    if !attribute.floats.isEmpty { return list(attribute.floats.map { numberText(Double($0)) }) }
    if !attribute.ints.isEmpty { return list(attribute.ints.map(String.init)) }
    if !attribute.strings.isEmpty { return list(attribute.strings.map { quoted((try? $0.bytes()) ?? []) }) }
    if !attribute.tensors.isEmpty { return list(attribute.tensors.map(\.typeText)) }
    return attribute.type == .undefined ? "?" : "[]"
  }

  /// The elements of a tensor that has just a few.
  private func values(_ tensor: TensorProto) -> String {
    guard let extents = try? tensor.extents(), let count = checkedProduct(extents), (1...8).contains(count),
      let array = try? tensor.tensor(file.files).array()
    else { return "" }
    let items: [String]
    if let integers = array.integers() {
      items = integers.map(String.init)
    } else if array.dtype == .string {
      items = array.strings.map { JSONValue.string(String(decoding: $0, as: UTF8.self)).text() }
    } else {
      items = array.doubles().map { numberText($0) }
    }
    return extents.isEmpty ? " \(items[0])" : " [\(items.joined(separator: ", "))]"
  }
}

extension ValueInfoProto {
  var typeText: String {
    guard let type else { return "?" }
    let (dtype, shape) = type.described
    return type.tensorType == nil && type.sparseTensorType == nil ? dtype : "\(dtype)\(shape)"
  }
}

extension TensorProto {
  var typeText: String { "\(dataType?.dtype?.rawValue ?? "type \(dataType?.rawValue ?? 0)")\(dims)" }
}
