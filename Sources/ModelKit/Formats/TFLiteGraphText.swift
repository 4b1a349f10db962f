import FlatBufferWire
import ModelSupport
import ModelTensor
import TFLiteFormat

/// A TensorFlow Lite file as text: every subgraph with its constants, where their bytes are, and its operators:
/// ```
/// subgraph 0 main (x: int8[1, 4] 0.5·(q+3)) → (y)
///   constant w: int8[2, 4] 0.01…0.02·q along 0 = buffer 3, 8 bytes at byte 1264
///   y: int8[1, 2] = FULLY_CONNECTED v4 (x, w, _) fused_activation_function=RELU
/// ```
struct TFLiteGraphText {
  private let file: TFLiteFile
  private(set) var text = ""

  init(_ file: TFLiteFile) {
    self.file = file
    writeBytes()
    for signature in file.signatures {
      line(
        0, "signature \(signature.key ?? "") of subgraph \(signature.subgraph) (\(ports(signature.inputs))) → (\(ports(signature.outputs)))"
      )
    }
    for index in file.subgraphs.indices { write(index) }
  }

  private mutating func line(_ indent: Int, _ content: String) {
    text += String(repeating: "  ", count: indent) + content.printable + "\n"
  }

  /// Where the bytes of the file are.
  private mutating func writeBytes() {
    let buffers = (file.model.buffers ?? []).enumerated().compactMap { index, buffer in
      file.buffer(index).map { (content: $0, isInside: buffer.data != nil) }
    }
    for (isInside, place) in [(true, "in the FlatBuffer"), (false, "behind the FlatBuffer")] {
      let these = buffers.filter { $0.isInside == isInside && !$0.content.isEmpty }
      guard !these.isEmpty else { continue }
      let extents = these.compactMap { $0.content.extent?.range }
      let low = extents.map(\.lowerBound).min() ?? 0, high = extents.map(\.upperBound).max() ?? 0
      let size = these.reduce(0) { $0 + $1.content.count }
      line(0, "buffers \(place): \(these.count), \(size) bytes between \(low) and \(high)")
    }
    for (index, external) in (file.model.externalBuffers ?? []).enumerated() {
      let name = file.model.externalBufferGroups?[Int(external.group)].name ?? ""
      line(0, "external buffer \(index): \(external.length) bytes at byte \(external.offset) of \(name)")
    }
    for (name, content) in file.metadata { line(0, "metadata \(name): \(place(content))") }
    if let trailer = file.trailer { line(0, "behind the model: \(place(trailer))") }
  }

  private func place(_ content: FlatBytes) -> String {
    "\(content.count) bytes" + (content.extent.map { " at byte \($0.range.lowerBound)" } ?? "")
  }

  private func ports(_ ports: [TFLiteSignature.Port]) -> String {
    ports.map { "\($0.name) = tensor \($0.tensor)" }.joined(separator: ", ")
  }

  // MARK: Subgraphs

  private mutating func write(_ index: Int) {
    let subgraph = file.subgraphs[index], tensors = subgraph.tensors ?? []
    let inputs = (subgraph.inputs ?? []).map { described($0, tensors) }.joined(separator: ", ")
    let outputs = (subgraph.outputs ?? []).map { name($0, tensors) }.joined(separator: ", ")
    line(0, "subgraph \(index) \(subgraph.name ?? "") (\(inputs)) → (\(outputs))")
    for (number, tensor) in tensors.enumerated() {
      let what = described(Int32(number), tensors)
      if tensor.externalBuffer != 0 {
        line(1, "constant \(what) = external buffer \(tensor.externalBuffer)")
      } else if tensor.buffer != 0, let content = file.buffer(Int(tensor.buffer)), !content.isEmpty {
        line(1, "constant \(what)\(sparsity(tensor)) = buffer \(tensor.buffer), \(place(content))\(values(number, index))")
      } else if tensor.isVariable {
        line(1, "variable \(what)")
      }
    }
    for op in subgraph.operators ?? [] { write(op, tensors) }
  }

  private mutating func write(_ op: TFLiteOperator, _ tensors: [TFLiteTensor]) {
    let (builtin, _, version) = file.opcode(of: op)
    let results = (op.outputs ?? []).map { described($0, tensors) }.joined(separator: ", ")
    let arguments = (op.inputs ?? []).map { name($0, tensors) }.joined(separator: ", ")
    var content = "\(results) = \(builtin == .custom ? "CUSTOM " : "")\(file.displayName(of: op)) v\(version) (\(arguments))"
    for table in [op.builtinOptions.content, op.builtinOptions2.content] {
      if let table { content += FlatText.fields(table).map { " \($0.name)=\($0.value)" }.joined() }
    }
    if let options = file.customOptionTexts(of: op) {
      content += options.map { " \($0.name)=\($0.value)" }.joined()
    } else if let options = file.customOptions(of: op), !options.isEmpty {
      content += " custom_options=\(place(options))"
    }
    if let inside = op.intermediates, !inside.isEmpty {
      content += " intermediates=(\(inside.map { described($0, tensors) }.joined(separator: ", ")))"
    }
    line(1, content)
  }

  // MARK: Tensors

  private func name(_ index: Int32, _ tensors: [TFLiteTensor]) -> String {
    guard tensors.indices.contains(Int(index)) else { return "_" }
    let name = tensors[Int(index)].name ?? ""
    return name.isEmpty ? "%\(index)" : name
  }

  private func described(_ index: Int32, _ tensors: [TFLiteTensor]) -> String {
    guard tensors.indices.contains(Int(index)) else { return "_" }
    let tensor = tensors[Int(index)]
    let shape = (tensor.shapeSignature ?? tensor.shape ?? []).map { $0 == -1 ? "?" : String($0) }.joined(separator: ", ")
    let type = tensor.type.dtype?.rawValue ?? tensor.type.name.lowercased()
    return "\(name(index, tensors)): \(type)[\(shape)]\(quantization(tensor))"
  }

  private func quantization(_ tensor: TFLiteTensor) -> String {
    guard let parameters = tensor.quantization else { return "" }
    switch parameters.details {
    case .blockwiseQuantization(let details):
      return " in blocks of \(details.blockSize), scales %\(details.scales)"
        + (details.zeroPoints < 0 ? "" : ", zero points %\(details.zeroPoints)")
    case .multiAxisQuantization(let details):
      return " along \(details.quantizedDimensions ?? []) in blocks of \(details.blockSize), scales %\(details.scales)"
    default: break
    }
    guard let scales = parameters.scale, let first = scales.first else { return "" }
    let zero = parameters.zeroPoint?.first ?? 0
    let stored = zero == 0 ? "q" : zero < 0 ? "(q+\(zero.magnitude))" : "(q-\(zero))"
    guard scales.count > 1 else { return " \(numberText(Double(first)))·\(stored)" }
    let low = numberText(scales.min().map { Double($0) }), high = numberText(scales.max().map { Double($0) })
    return " \(low)…\(high)·\(stored) along \(parameters.quantizedDimension)"
  }

  private func sparsity(_ tensor: TFLiteTensor) -> String {
    guard let sparsity = tensor.sparsity else { return "" }
    let levels = (sparsity.dimMetadata ?? []).map { $0.format == .dense ? "\($0.denseSize)" : "sparse" }
    return " sparse (\(levels.joined(separator: ", ")) in the order \(sparsity.traversalOrder ?? []))"
  }

  /// The elements of a constant that has just a few.
  private func values(_ index: Int, _ subgraph: Int) -> String {
    guard let tensor = try? file.tensor(index, subgraph: subgraph), (1...8).contains(tensor.elementCount),
      let array = try? tensor.array()
    else { return "" }
    let items: [String]
    if array.dtype == .string {
      items = array.strings.map { JSONValue.string(String(decoding: $0, as: UTF8.self)).text().abbreviated(to: 40) }
    } else {
      items = array.integers().map { $0.map { String($0) } } ?? array.doubles().map { numberText($0) }
    }
    return tensor.extents.isEmpty ? ": \(items.first ?? "")" : ": [\(items.joined(separator: ", "))]"
  }
}

/// The fields of a table as text.
enum FlatText {
  static func fields<T: FlatTable>(_ table: T) -> [(name: String, value: String)] {
    T.table.fields.compactMap { field in field.value(table).map { (field.name, text($0)) } }
  }

  private static func text(_ value: FlatValue) -> String {
    switch value {
    case .scalar(let value): value.description
    case .scalars(let vector): "[\(vector.texts(0..<32).joined(separator: ", "))\(vector.count > 32 ? ", … \(vector.count) in all" : "")]"
    case .string(let text): JSONValue.string(text).text().abbreviated(to: 80)
    case .strings(let texts): "[\(texts.prefix(32).map { JSONValue.string($0).text().abbreviated(to: 80) }.joined(separator: ", "))]"
    case .bytes(let bytes, _): "\(bytes.count) bytes"
    case .table(let table), .union(_, let table): nested(table)
    case .tables(let tables): "[\(tables.count) tables]"
    }
  }

  private static func nested(_ table: any FlatTable) -> String {
    "{\(fields(table).map { "\($0.name)=\($0.value)" }.joined(separator: " "))}"
  }
}
