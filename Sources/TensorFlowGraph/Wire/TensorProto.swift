import ProtobufWire

/// A tensor: in `tensorContent`, or in the field of its dtype, where a last element stands for all that follow.
/// `tensorflow/core/framework/tensor.proto`.
public struct TensorProto: ProtoMessage {
  public var dtype: DataType?
  public var tensorShape: TensorShapeProto?
  public var versionNumber: Int32?
  /// Little-endian elements, row-major.
  public var tensorContent: WireBytes?
  /// float16 and bfloat16 as their bits.
  public var halfVal = PackedValues()
  public var floatVal = PackedValues()
  public var doubleVal = PackedValues()
  /// int32, int16, uint16, int8, uint8 and quantised ones.
  public var intVal = PackedValues()
  public var stringVal: [WireBytes] = []
  public var scomplexVal = PackedValues()
  public var int64Val = PackedValues()
  public var boolVal = PackedValues()
  public var dcomplexVal = PackedValues()
  public var resourceHandleVal: [ResourceHandleProto] = []
  public var variantVal: [VariantTensorDataProto] = []
  public var uint32Val = PackedValues()
  public var uint64Val = PackedValues()
  /// Floats of eight bits, one byte each.
  public var float8Val: WireBytes?
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "TensorProto"
  public static let table = FieldTable<Self>([
    .enumeration(1, named: "dtype", "DataType", \.dtype),
    .message(2, "tensor_shape", \.tensorShape),
    .int32(3, "version_number", \.versionNumber),
    .bytes(4, "tensor_content", \.tensorContent),
    .packed(13, "half_val", .int32, \.halfVal),
    .packed(5, "float_val", .float, \.floatVal),
    .packed(6, "double_val", .double, \.doubleVal),
    .packed(7, "int_val", .int32, \.intVal),
    .bytesList(8, "string_val", \.stringVal),
    .packed(9, "scomplex_val", .float, \.scomplexVal),
    .packed(10, "int64_val", .int64, \.int64Val),
    .packed(11, "bool_val", .bool, \.boolVal),
    .packed(12, "dcomplex_val", .double, \.dcomplexVal),
    .messages(14, "resource_handle_val", \.resourceHandleVal),
    .messages(15, "variant_val", \.variantVal),
    .packed(16, "uint32_val", .uint32, \.uint32Val),
    .packed(17, "uint64_val", .uint64, \.uint64Val),
    .bytes(18, "float8_val", \.float8Val),
  ])
}

/// A variant, serialised by its own type.
public struct VariantTensorDataProto: ProtoMessage {
  public var typeName: String?
  public var metadata: WireBytes?
  public var tensors: [TensorProto] = []
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "VariantTensorDataProto"
  public static let table = FieldTable<Self>([
    .string(1, "type_name", \.typeName),
    .bytes(2, "metadata", \.metadata),
    .messages(3, "tensors", \.tensors),
  ])
}

/// A handle to state. `tensorflow/core/framework/resource_handle.proto`.
public struct ResourceHandleProto: ProtoMessage {
  public var device: String?
  public var container: String?
  public var name: String?
  public var hashCode: UInt64?
  public var maybeTypeName: String?
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "ResourceHandleProto"
  public static let table = FieldTable<Self>([
    .string(1, "device", \.device),
    .string(2, "container", \.container),
    .string(3, "name", \.name),
    .uint64(4, "hash_code", \.hashCode),
    .string(5, "maybe_type_name", \.maybeTypeName),
  ])
}
