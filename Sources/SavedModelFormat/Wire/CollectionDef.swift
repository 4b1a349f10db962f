import ProtobufWire

/// What TensorFlow 1 kept beside a graph under a name: `variables`, `trainable_variables`, `legacy_init_op`.
public struct CollectionDef: ProtoMessage {
  public var nodeList: NodeList?
  public var bytesList: BytesList?
  public var int64List: Int64List?
  public var floatList: FloatList?
  public var anyList: AnyList?
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "CollectionDef"
  public static let table = FieldTable<Self>([
    .message(1, "node_list", \.nodeList),
    .message(2, "bytes_list", \.bytesList),
    .message(3, "int64_list", \.int64List),
    .message(4, "float_list", \.floatList),
    .message(5, "any_list", \.anyList),
  ])
}

extension CollectionDef {
  public struct NodeList: ProtoMessage {
    public var value: [String] = []
    public var unknownFields = PackedValues()
    public init() {}
    public static let messageName = "CollectionDef.NodeList"
    public static let table = FieldTable<Self>([.strings(1, "value", \.value)])
  }

  /// Serialised messages: of variables, `VariableDef`s.
  public struct BytesList: ProtoMessage {
    public var value: [WireBytes] = []
    public var unknownFields = PackedValues()
    public init() {}
    public static let messageName = "CollectionDef.BytesList"
    public static let table = FieldTable<Self>([.bytesList(1, "value", \.value)])
  }

  public struct Int64List: ProtoMessage {
    public var value: [Int64] = []
    public var unknownFields = PackedValues()
    public init() {}
    public static let messageName = "CollectionDef.Int64List"
    public static let table = FieldTable<Self>([.packedInt64s(1, "value", .int64, \.value)])
  }

  public struct FloatList: ProtoMessage {
    public var value: [Float] = []
    public var unknownFields = PackedValues()
    public init() {}
    public static let messageName = "CollectionDef.FloatList"
    public static let table = FieldTable<Self>([.packedFloats(1, "value", \.value)])
  }

  public struct AnyList: ProtoMessage {
    public var value: [AnyProto] = []
    public var unknownFields = PackedValues()
    public init() {}
    public static let messageName = "CollectionDef.AnyList"
    public static let table = FieldTable<Self>([.messages(1, "value", \.value)])
  }
}

/// A collection under its name.
public struct CollectionEntry: ProtoMessage {
  public var key: String?
  public var value: CollectionDef?
  public var unknownFields = PackedValues()
  public init() {}
  public init(_ key: String, _ value: CollectionDef) {
    self.key = key
    self.value = value
  }

  public static let messageName = "MetaGraphDef.CollectionDefEntry"
  public static let isMapEntry = true
  public static let table = FieldTable<Self>([.string(1, "key", \.key), .message(2, "value", \.value)])
}
