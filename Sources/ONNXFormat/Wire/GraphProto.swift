import ProtobufWire

/// Nodes in an order in which each follows what it uses, and the constants beside them.
public struct GraphProto: ProtoMessage {
  public var node: [NodeProto] = []
  public var name: String?
  /// Named constants. One that is also an input is that input's default value.
  public var initializer: [TensorProto] = []
  public var docString: String?
  public var input: [ValueInfoProto] = []
  public var output: [ValueInfoProto] = []
  /// What is known of the values in between.
  public var valueInfo: [ValueInfoProto] = []
  public var quantizationAnnotation: [TensorAnnotation] = []
  /// Sparse constants, named by their `values`.
  public var sparseInitializer: [SparseTensorProto] = []
  public var metadataProps: [StringStringEntryProto] = []
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "GraphProto"
  public static let table = FieldTable<Self>([
    .messages(1, "node", \.node),
    .string(2, "name", \.name),
    .messages(5, "initializer", \.initializer),
    .string(10, "doc_string", \.docString),
    .messages(11, "input", \.input),
    .messages(12, "output", \.output),
    .messages(13, "value_info", \.valueInfo),
    .messages(14, "quantization_annotation", \.quantizationAnnotation),
    .messages(15, "sparse_initializer", \.sparseInitializer),
    .messages(16, "metadata_props", \.metadataProps),
  ])
}

/// A value's name and type.
public struct ValueInfoProto: ProtoMessage {
  public var name: String?
  public var type: TypeProto?
  public var docString: String?
  public var metadataProps: [StringStringEntryProto] = []
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "ValueInfoProto"
  public static let table = FieldTable<Self>([
    .string(1, "name", \.name),
    .message(2, "type", \.type),
    .string(3, "doc_string", \.docString),
    .messages(4, "metadata_props", \.metadataProps),
  ])
}

/// Which tensors hold the quantisation parameters of a value.
public struct TensorAnnotation: ProtoMessage {
  public var tensorName: String?
  /// `SCALE_TENSOR` and `ZERO_POINT_TENSOR` to the names of tensors.
  public var quantParameterTensorNames: [StringStringEntryProto] = []
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "TensorAnnotation"
  public static let table = FieldTable<Self>([
    .string(1, "tensor_name", \.tensorName),
    .messages(2, "quant_parameter_tensor_names", \.quantParameterTensorNames),
  ])
}
