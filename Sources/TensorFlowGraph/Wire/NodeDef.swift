import ProtobufWire

/// One application of an op. `tensorflow/core/framework/node_def.proto`.
public struct NodeDef: ProtoMessage {
  public var name: String?
  public var op: String?
  /// `node`, `node:1`, `^node` for order alone; in functions `node:result:0` and argument names.
  public var input: [String] = []
  public var device: String?
  public var attr: [AttrEntry] = []
  public var experimentalDebugInfo: WireBytes?
  public var experimentalType: WireBytes?
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "NodeDef"
  public static let table = FieldTable<Self>([
    .string(1, "name", \.name),
    .string(2, "op", \.op),
    .strings(3, "input", \.input),
    .string(4, "device", \.device),
    .messages(5, "attr", \.attr),
    .bytes(6, "experimental_debug_info", \.experimentalDebugInfo),
    .bytes(7, "experimental_type", \.experimentalType),
  ])
}

/// An attribute under its name.
public struct AttrEntry: ProtoMessage {
  public var key: String?
  public var value: AttrValue?
  public var unknownFields = PackedValues()
  public init() {}
  public init(_ key: String, _ value: AttrValue) {
    self.key = key
    self.value = value
  }

  public static let messageName = "NodeDef.AttrEntry"
  public static let isMapEntry = true
  public static let table = FieldTable<Self>([
    .string(1, "key", \.key),
    .message(2, "value", \.value),
  ])
}
