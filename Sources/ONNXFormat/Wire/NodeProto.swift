import ProtobufWire

/// One application of an operator. An empty name among the inputs or outputs leaves an optional one out.
public struct NodeProto: ProtoMessage {
  public var input: [String] = []
  public var output: [String] = []
  public var name: String?
  public var opType: String?
  public var attribute: [AttributeProto] = []
  public var docString: String?
  public var domain: String?
  public var overload: String?
  public var metadataProps: [StringStringEntryProto] = []
  public var deviceConfigurations: [NodeDeviceConfigurationProto] = []
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "NodeProto"
  public static let table = FieldTable<Self>([
    .strings(1, "input", \.input),
    .strings(2, "output", \.output),
    .string(3, "name", \.name),
    .string(4, "op_type", \.opType),
    .messages(5, "attribute", \.attribute),
    .string(6, "doc_string", \.docString),
    .string(7, "domain", \.domain),
    .string(8, "overload", \.overload),
    .messages(9, "metadata_props", \.metadataProps),
    .messages(10, "device_configurations", \.deviceConfigurations),
  ])
}
