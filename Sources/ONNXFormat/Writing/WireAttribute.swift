import ModelSupport
import ModelTensor
import ProtobufWire

/// The value of an attribute being written.
enum WireAttribute {
  case int(Int), ints([Int])
  case float(Double), floats([Double])
  case string(String), strings([String])
  case tensor(Tensor)
  case graph(GraphProto)
  case type(TypeProto)
  /// An element type as its number.
  case dtype(DType)
  case flag(Bool)

  func proto(_ name: String) throws -> AttributeProto {
    var proto = AttributeProto()
    proto.name = name
    switch self {
    case .int(let value): (proto.type, proto.i) = (.int, Int64(value))
    case .flag(let value): (proto.type, proto.i) = (.int, value ? 1 : 0)
    case .dtype(let dtype):
      guard let number = TensorProto.DataType(dtype) else {
        throw UnsupportedError("ONNX has no tensors of dtype \(dtype)")
      }
      (proto.type, proto.i) = (.int, Int64(number.rawValue))
    case .ints(let values): (proto.type, proto.ints) = (.ints, values.map(Int64.init))
    case .float(let value): (proto.type, proto.f) = (.float, Float(value))
    case .floats(let values): (proto.type, proto.floats) = (.floats, values.map { Float($0) })
    case .string(let text): (proto.type, proto.s) = (.string, WireBytes(text))
    case .strings(let texts): (proto.type, proto.strings) = (.strings, texts.map { WireBytes($0) })
    case .tensor(let tensor): (proto.type, proto.t) = (.tensor, Indirect(try TensorProto(tensor)))
    case .type(let type): (proto.type, proto.tp) = (.typeProto, Indirect(type))
    case .graph(let graph): (proto.type, proto.g) = (.graph, Indirect(graph))
    }
    return proto
  }
}
