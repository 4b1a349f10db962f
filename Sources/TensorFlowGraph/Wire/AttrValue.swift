import ProtobufWire

/// The value of an attribute: one of these. `tensorflow/core/framework/attr_value.proto`.
public struct AttrValue: ProtoMessage {
  public var list: ListValue?
  public var s: WireBytes?
  public var i: Int64?
  public var f: Float?
  public var b: Bool?
  public var type: DataType?
  public var shape: TensorShapeProto?
  public var tensor: Indirect<TensorProto>?
  /// The name of an attribute of the function around it.
  public var placeholder: String?
  public var function: Indirect<NameAttrList>?
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "AttrValue"
  public static let table = FieldTable<Self>([
    .message(1, "list", \.list),
    .bytes(2, "s", \.s),
    .int64(3, "i", \.i),
    .float(4, "f", \.f),
    .bool(5, "b", \.b),
    .enumeration(6, named: "type", "DataType", \.type),
    .message(7, "shape", \.shape),
    .message(8, "tensor", \.tensor),
    .string(9, "placeholder", \.placeholder),
    .message(10, "func", \.function),
  ])
}

/// A list: of one kind.
public struct ListValue: ProtoMessage {
  public var s: [WireBytes] = []
  public var i: [Int64] = []
  public var f: [Float] = []
  public var b: [Bool] = []
  public var type: [DataType] = []
  public var shape: [TensorShapeProto] = []
  public var tensor: [TensorProto] = []
  public var function: [NameAttrList] = []
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "AttrValue.ListValue"
  public static let table = FieldTable<Self>([
    .bytesList(2, "s", \.s),
    .packedInt64s(3, "i", .int64, \.i),
    .packedFloats(4, "f", \.f),
    .packedBools(5, "b", \.b),
    .packedEnumerations(6, "type", "DataType", \.type),
    .messages(7, "shape", \.shape),
    .messages(8, "tensor", \.tensor),
    .messages(9, "func", \.function),
  ])
}

/// A function by name, with the attributes it is called with.
public struct NameAttrList: ProtoMessage {
  public var name: String?
  public var attr: [AttrEntry] = []
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "NameAttrList"
  public static let table = FieldTable<Self>([
    .string(1, "name", \.name),
    .messages(2, "attr", \.attr),
  ])
}
