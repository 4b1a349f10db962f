import ProtobufWire

/// A named argument of a node; `type` tells which of the other fields holds it.
public struct AttributeProto: ProtoMessage {
  public var name: String?
  public var f: Float?
  public var i: Int64?
  public var s: WireBytes?
  public var t: Indirect<TensorProto>?
  public var g: Indirect<GraphProto>?
  public var floats: [Float] = []
  public var ints: [Int64] = []
  public var strings: [WireBytes] = []
  public var tensors: [TensorProto] = []
  public var graphs: [GraphProto] = []
  public var docString: String?
  public var tp: Indirect<TypeProto>?
  public var typeProtos: [TypeProto] = []
  public var type: AttributeType?
  /// In a function's body: the attribute of the call that gives the value.
  public var refAttrName: String?
  public var sparseTensor: Indirect<SparseTensorProto>?
  public var sparseTensors: [SparseTensorProto] = []
  public var unknownFields = PackedValues()
  public init() {}

  /// Which field of an attribute holds its value. Numbers of later versions are kept.
  public struct AttributeType: RawRepresentable, Sendable, Hashable {
    public var rawValue: Int32
    public init(rawValue: Int32) { self.rawValue = rawValue }
    public static let undefined = Self(rawValue: 0)
    public static let float = Self(rawValue: 1)
    public static let int = Self(rawValue: 2)
    public static let string = Self(rawValue: 3)
    public static let tensor = Self(rawValue: 4)
    public static let graph = Self(rawValue: 5)
    public static let floats = Self(rawValue: 6)
    public static let ints = Self(rawValue: 7)
    public static let strings = Self(rawValue: 8)
    public static let tensors = Self(rawValue: 9)
    public static let graphs = Self(rawValue: 10)
    public static let sparseTensor = Self(rawValue: 11)
    public static let sparseTensors = Self(rawValue: 12)
    public static let typeProto = Self(rawValue: 13)
    public static let typeProtos = Self(rawValue: 14)
  }

  public static let messageName = "AttributeProto"
  public static let table = FieldTable<Self>([
    .string(1, "name", \.name),
    .float(2, "f", \.f),
    .int64(3, "i", \.i),
    .bytes(4, "s", \.s),
    .message(5, "t", \.t),
    .message(6, "g", \.g),
    .floats(7, "floats", \.floats),
    .int64s(8, "ints", \.ints),
    .bytesList(9, "strings", \.strings),
    .messages(10, "tensors", \.tensors),
    .messages(11, "graphs", \.graphs),
    .string(13, "doc_string", \.docString),
    .message(14, "tp", \.tp),
    .messages(15, "type_protos", \.typeProtos),
    .enumeration(20, "type", "AttributeProto.AttributeType", \.type),
    .string(21, "ref_attr_name", \.refAttrName),
    .message(22, "sparse_tensor", \.sparseTensor),
    .messages(23, "sparse_tensors", \.sparseTensors),
  ])
}
