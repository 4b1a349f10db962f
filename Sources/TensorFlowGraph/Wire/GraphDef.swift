import ProtobufWire

/// A graph of nodes, and the functions they call. `tensorflow/core/framework/graph.proto`.
public struct GraphDef: ProtoMessage {
  public var node: [NodeDef] = []
  public var versions: VersionDef?
  /// Deprecated: the producer of old files.
  public var version: Int32?
  public var library: FunctionDefLibrary?
  /// Stack traces of the nodes, kept as they stand.
  public var debugInfo: WireBytes?
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "GraphDef"
  public static let table = FieldTable<Self>([
    .messages(1, "node", \.node),
    .message(4, "versions", \.versions),
    .int32(3, "version", \.version),
    .message(2, "library", \.library),
    .bytes(5, "debug_info", \.debugInfo),
  ])
}

/// Who may read a graph. `tensorflow/core/framework/versions.proto`.
public struct VersionDef: ProtoMessage {
  public var producer: Int32?
  public var minConsumer: Int32?
  public var badConsumers: [Int64] = []
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "VersionDef"
  public static let table = FieldTable<Self>([
    .int32(1, "producer", \.producer),
    .int32(2, "min_consumer", \.minConsumer),
    .packedInt64s(3, "bad_consumers", .int32, \.badConsumers),
  ])
}
