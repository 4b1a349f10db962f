import ProtobufWire
import TensorFlowGraph

// The messages in the index of a TensorBundle. `tensorflow/core/protobuf/tensor_bundle.proto`.

/// The first entry of an index.
public struct BundleHeaderProto: ProtoMessage {
  public var numShards: Int32?
  public var endianness: Endianness?
  public var version: VersionDef?
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "BundleHeaderProto"
  public static let table = FieldTable<Self>([
    .int32(1, "num_shards", \.numShards),
    .enumeration(2, named: "endianness", "Endianness", \.endianness),
    .message(3, "version", \.version),
  ])

  public struct Endianness: ProtoEnumeration, Hashable {
    public var rawValue: Int32
    public init(rawValue: Int32) { self.rawValue = rawValue }
    public static let names: [Int32: String] = [0: "LITTLE", 1: "BIG"]
    public static let little = Endianness(rawValue: 0)
    public static let big = Endianness(rawValue: 1)
  }
}

/// A tensor: its type, and where its bytes stand; or which slices it is made of.
public struct BundleEntryProto: ProtoMessage {
  public var dtype: DataType?
  public var shape: TensorShapeProto?
  public var shardID: Int32?
  public var offset: Int64?
  public var size: Int64?
  /// Masked.
  public var crc32c: UInt32?
  public var slices: [TensorSliceProto] = []
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "BundleEntryProto"
  public static let table = FieldTable<Self>([
    .enumeration(1, named: "dtype", "DataType", \.dtype),
    .message(2, "shape", \.shape),
    .int32(3, "shard_id", \.shardID),
    .int64(4, "offset", \.offset),
    .int64(5, "size", \.size),
    .fixed32(6, "crc32c", \.crc32c),
    .messages(7, "slices", \.slices),
  ])
}

/// A part of a tensor: an extent for each axis. `tensorflow/core/framework/tensor_slice.proto`.
public struct TensorSliceProto: ProtoMessage {
  public var extent: [Extent] = []
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "TensorSliceProto"
  public static let table = FieldTable<Self>([.messages(1, "extent", \.extent)])

  /// From `start`, `length` elements; without a length the whole axis.
  public struct Extent: ProtoMessage {
    public var start: Int64?
    public var length: Int64?
    public var unknownFields = PackedValues()
    public init() {}

    public static let messageName = "TensorSliceProto.Extent"
    public static let table = FieldTable<Self>([.int64(1, "start", \.start), .int64(2, "length", \.length)])
  }
}
