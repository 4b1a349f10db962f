import ProtobufWire

/// A shape; -1 stands for an extent that is not known. `tensorflow/core/framework/tensor_shape.proto`.
public struct TensorShapeProto: ProtoMessage {
  public var dim: [Dim] = []
  public var unknownRank: Bool?
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "TensorShapeProto"
  public static let table = FieldTable<Self>([
    .messages(2, "dim", \.dim),
    .bool(3, "unknown_rank", \.unknownRank),
  ])
}

extension TensorShapeProto {
  /// One extent.
  public struct Dim: ProtoMessage {
    public var size: Int64?
    public var name: String?
    public var unknownFields = PackedValues()
    public init() {}

    public static let messageName = "TensorShapeProto.Dim"
    public static let table = FieldTable<Self>([
      .int64(1, "size", \.size),
      .string(2, "name", \.name),
    ])
  }
}
