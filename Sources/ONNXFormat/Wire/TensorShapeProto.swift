import ProtobufWire

/// The dimensions of a tensor.
public struct TensorShapeProto: ProtoMessage {
  public var dim: [Dimension] = []
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "TensorShapeProto"
  public static let table = FieldTable<Self>([
    .messages(1, "dim", \.dim)
  ])
}

extension TensorShapeProto {
  /// An extent, a name for one, or neither.
  public struct Dimension: ProtoMessage {
    public var dimValue: Int64?
    public var dimParam: String?
    public var denotation: String?
    public var unknownFields = PackedValues()
    public init() {}

    public static let messageName = "TensorShapeProto.Dimension"
    public static let table = FieldTable<Self>([
      .int64(1, "dim_value", \.dimValue),
      .string(2, "dim_param", \.dimParam),
      .string(3, "denotation", \.denotation),
    ])
  }
}
