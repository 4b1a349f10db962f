import ModelGraph
import ModelSupport
import ModelTensor
import OrderedCollections
import ProtobufWire

extension NodeReader {
  /// The value of a `Constant` node, whichever attribute gives it.
  func constantValue() throws -> Tensor {
    if let tensor = try tensor("value") { return tensor }
    if let sparse = attribute("sparse_value")?.sparseTensor { return try sparse.value.tensor(model.files) }
    if let value = attribute("value_float")?.f { return Tensor(NDArray(scalar: value)) }
    if let values = attribute("value_floats") { return Tensor(NDArray(values.floats, [values.floats.count])) }
    if let value = try int("value_int") { return Tensor(NDArray(scalar: Int64(value))) }
    if let values = attribute("value_ints") { return Tensor(NDArray(values.ints, [values.ints.count])) }
    if let value = try bytes("value_string") { return Tensor(NDArray(strings: [value], [])) }
    if let values = try byteStrings("value_strings") { return Tensor(NDArray(strings: values, [values.count])) }
    throw FormatError(.missingReference, "Constant has none of the attributes that give its value")
  }

  /// Attributes for printing.
  func printable(_ attributes: [AttributeProto]) -> OrderedDictionary<String, AttributeValue> {
    var result: OrderedDictionary<String, AttributeValue> = [:]
    for attribute in attributes {
      result[attribute.name ?? ""] = Self.value(attribute, model.files)
    }
    return result
  }

  private static func text(_ bytes: WireBytes?) -> AttributeValue {
    guard let bytes else { return .string("") }
    if let text = try? bytes.text() { return .string(text) }
    return .bytes((try? bytes.bytes()) ?? [])
  }

  private static func value(_ attribute: AttributeProto, _ files: ExternalFiles) -> AttributeValue {
    if let value = attribute.f { return .double(exactDouble(value)) }
    if let value = attribute.i { return .int(Int(value)) }
    if let value = attribute.s { return text(value) }
    if let value = attribute.t { return (try? value.value.tensor(files)).map { .tensor($0) } ?? .none }
    if let value = attribute.g { return .graph(GraphID(value.value.name ?? "")) }
    if !attribute.floats.isEmpty { return .doubles(attribute.floats.map(exactDouble)) }
    if !attribute.ints.isEmpty { return .ints(attribute.ints.map { Int($0) }) }
    if !attribute.strings.isEmpty { return .list(attribute.strings.map { text($0) }) }
    if !attribute.graphs.isEmpty { return .list(attribute.graphs.map { .graph(GraphID($0.name ?? "")) }) }
    switch attribute.type {
    case .float?: return .double(0)
    case .int?: return .int(0)
    case .string?: return .string("")
    case .floats?: return .doubles([])
    case .ints?: return .ints([])
    case .strings?: return .strings([])
    default: return .none
    }
  }
}
