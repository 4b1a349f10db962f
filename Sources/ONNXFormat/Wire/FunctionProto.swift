import ProtobufWire

/// An operator defined by a graph of others. Its body sees only its inputs and attributes.
public struct FunctionProto: ProtoMessage {
  public var name: String?
  public var input: [String] = []
  public var output: [String] = []
  /// Attributes every call must give.
  public var attribute: [String] = []
  public var node: [NodeProto] = []
  public var docString: String?
  public var opsetImport: [OperatorSetIdProto] = []
  public var domain: String?
  /// Attributes with a default.
  public var attributeProto: [AttributeProto] = []
  public var valueInfo: [ValueInfoProto] = []
  /// Tells functions of the same domain and name apart.
  public var overload: String?
  public var metadataProps: [StringStringEntryProto] = []
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "FunctionProto"
  public static let table = FieldTable<Self>([
    .string(1, "name", \.name),
    .strings(4, "input", \.input),
    .strings(5, "output", \.output),
    .strings(6, "attribute", \.attribute),
    .messages(7, "node", \.node),
    .string(8, "doc_string", \.docString),
    .messages(9, "opset_import", \.opsetImport),
    .string(10, "domain", \.domain),
    .messages(11, "attribute_proto", \.attributeProto),
    .messages(12, "value_info", \.valueInfo),
    .string(13, "overload", \.overload),
    .messages(14, "metadata_props", \.metadataProps),
  ])
}
