import ProtobufWire

/// A constant tensor: its elements stand in `rawData`, in one of the typed fields, or in another file.
public struct TensorProto: ProtoMessage {
  public var dims: [Int64] = []
  public var dataType: DataType?
  /// For tensors stored in pieces; no writer uses it.
  public var segment: Segment?
  /// float32, and complex64 as pairs.
  public var floatData: PackedValues = PackedValues()
  /// Integers up to 32 bits, bool, and smaller floats as their bits.
  public var int32Data: PackedValues = PackedValues()
  public var stringData: [WireBytes] = []
  public var int64Data: PackedValues = PackedValues()
  public var name: String?
  /// Little-endian elements in row-major order; below eight bits packed, low bits first.
  public var rawData: WireBytes?
  /// float64, and complex128 as pairs.
  public var doubleData: PackedValues = PackedValues()
  /// uint64 and uint32.
  public var uint64Data: PackedValues = PackedValues()
  public var docString: String?
  /// `location`, `offset`, `length`, `checksum`.
  public var externalData: [StringStringEntryProto] = []
  public var dataLocation: DataLocation?
  public var metadataProps: [StringStringEntryProto] = []
  public var unknownFields = PackedValues()
  public init() {}

  /// The element types by number. Numbers of later versions are kept.
  public struct DataType: RawRepresentable, Sendable, Hashable {
    public var rawValue: Int32
    public init(rawValue: Int32) { self.rawValue = rawValue }
  }

  public struct DataLocation: RawRepresentable, Sendable, Hashable {
    public var rawValue: Int32
    public init(rawValue: Int32) { self.rawValue = rawValue }
    public static let standard = Self(rawValue: 0)
    public static let external = Self(rawValue: 1)
  }

  public static let messageName = "TensorProto"
  public static let table = FieldTable<Self>([
    .int64s(1, "dims", \.dims),
    .int32(2, "data_type", as: \.dataType),
    .message(3, "segment", \.segment),
    .packed(4, "float_data", .float, \.floatData),
    .packed(5, "int32_data", .int32, \.int32Data),
    .bytesList(6, "string_data", \.stringData),
    .packed(7, "int64_data", .int64, \.int64Data),
    .string(8, "name", \.name),
    .bytes(9, "raw_data", \.rawData),
    .packed(10, "double_data", .double, \.doubleData),
    .packed(11, "uint64_data", .uint64, \.uint64Data),
    .string(12, "doc_string", \.docString),
    .messages(13, "external_data", \.externalData),
    .enumeration(14, "data_location", "TensorProto.DataLocation", \.dataLocation),
    .messages(16, "metadata_props", \.metadataProps),
  ])
}

extension TensorProto {
  /// A range of elements.
  public struct Segment: ProtoMessage {
    public var begin: Int64?
    public var end: Int64?
    public var unknownFields = PackedValues()
    public init() {}

    public static let messageName = "TensorProto.Segment"
    public static let table = FieldTable<Self>([
      .int64(1, "begin", \.begin),
      .int64(2, "end", \.end),
    ])
  }
}

/// The elements of a tensor that are not zero, in ascending order of their indices.
public struct SparseTensorProto: ProtoMessage {
  /// One-dimensional; its name is the tensor's name.
  public var values: TensorProto?
  /// int64 `[NNZ]` of linear indices, or `[NNZ, rank]`.
  public var indices: TensorProto?
  public var dims: [Int64] = []
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "SparseTensorProto"
  public static let table = FieldTable<Self>([
    .message(1, "values", \.values),
    .message(2, "indices", \.indices),
    .int64s(3, "dims", \.dims),
  ])
}
