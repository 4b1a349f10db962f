import ProtobufWire

/// The type of a value; one of the kinds is there.
public struct TypeProto: ProtoMessage {
  public var tensorType: Indirect<Tensor>?
  public var sequenceType: Indirect<Sequence>?
  public var mapType: Indirect<Map>?
  public var denotation: String?
  /// Of `onnx-ml.proto` only.
  public var opaqueType: Indirect<Opaque>?
  public var sparseTensorType: Indirect<SparseTensor>?
  public var optionalType: Indirect<OptionalType>?
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "TypeProto"
  public static let table = FieldTable<Self>([
    .message(1, "tensor_type", \.tensorType),
    .message(4, "sequence_type", \.sequenceType),
    .message(5, "map_type", \.mapType),
    .string(6, "denotation", \.denotation),
    .message(7, "opaque_type", \.opaqueType),
    .message(8, "sparse_tensor_type", \.sparseTensorType),
    .message(9, "optional_type", \.optionalType),
  ])
}

extension TypeProto {
  /// A dense tensor. Without a shape even the rank is unknown.
  public struct Tensor: ProtoMessage {
    public var elemType: TensorProto.DataType?
    public var shape: TensorShapeProto?
    public var unknownFields = PackedValues()
    public init() {}

    public static let messageName = "TypeProto.Tensor"
    public static let table = FieldTable<Self>([
      .int32(1, "elem_type", as: \.elemType),
      .message(2, "shape", \.shape),
    ])
  }
}

extension TypeProto {
  /// A sparse tensor.
  public struct SparseTensor: ProtoMessage {
    public var elemType: TensorProto.DataType?
    public var shape: TensorShapeProto?
    public var unknownFields = PackedValues()
    public init() {}

    public static let messageName = "TypeProto.SparseTensor"
    public static let table = FieldTable<Self>([
      .int32(1, "elem_type", as: \.elemType),
      .message(2, "shape", \.shape),
    ])
  }
}

extension TypeProto {
  /// Any number of values of one type.
  public struct Sequence: ProtoMessage {
    public var elemType: Indirect<TypeProto>?
    public var unknownFields = PackedValues()
    public init() {}

    public static let messageName = "TypeProto.Sequence"
    public static let table = FieldTable<Self>([
      .message(1, "elem_type", \.elemType)
    ])
  }
}

extension TypeProto {
  /// Keys of one integer or string type to values.
  public struct Map: ProtoMessage {
    public var keyType: TensorProto.DataType?
    public var valueType: Indirect<TypeProto>?
    public var unknownFields = PackedValues()
    public init() {}

    public static let messageName = "TypeProto.Map"
    public static let table = FieldTable<Self>([
      .int32(1, "key_type", as: \.keyType),
      .message(2, "value_type", \.valueType),
    ])
  }
}

extension TypeProto {
  /// A value or none.
  public struct OptionalType: ProtoMessage {
    public var elemType: Indirect<TypeProto>?
    public var unknownFields = PackedValues()
    public init() {}

    public static let messageName = "TypeProto.Optional"
    public static let table = FieldTable<Self>([
      .message(1, "elem_type", \.elemType)
    ])
  }
}

extension TypeProto {
  /// A type that only its domain knows.
  public struct Opaque: ProtoMessage {
    public var domain: String?
    public var name: String?
    public var unknownFields = PackedValues()
    public init() {}

    public static let messageName = "TypeProto.Opaque"
    public static let table = FieldTable<Self>([
      .string(1, "domain", \.domain),
      .string(2, "name", \.name),
    ])
  }
}
