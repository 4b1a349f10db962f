import ProtobufWire

/// What an op or a function takes and gives. `tensorflow/core/framework/op_def.proto`.
public struct OpDef: ProtoMessage {
  public var name: String?
  public var inputArg: [ArgDef] = []
  public var outputArg: [ArgDef] = []
  public var controlOutput: [String] = []
  public var attr: [AttrDef] = []
  public var deprecation: WireBytes?
  public var summary: String?
  public var description: String?
  public var isCommutative: Bool?
  public var isAggregate: Bool?
  public var isStateful: Bool?
  public var allowsUninitializedInput: Bool?
  public var isDistributedCommunication: Bool?
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "OpDef"
  public static let table = FieldTable<Self>([
    .string(1, "name", \.name),
    .messages(2, "input_arg", \.inputArg),
    .messages(3, "output_arg", \.outputArg),
    .strings(20, "control_output", \.controlOutput),
    .messages(4, "attr", \.attr),
    .bytes(8, "deprecation", \.deprecation),
    .string(5, "summary", \.summary),
    .string(6, "description", \.description),
    .bool(18, "is_commutative", \.isCommutative),
    .bool(16, "is_aggregate", \.isAggregate),
    .bool(17, "is_stateful", \.isStateful),
    .bool(19, "allows_uninitialized_input", \.allowsUninitializedInput),
    .bool(21, "is_distributed_communication", \.isDistributedCommunication),
  ])
}

extension OpDef {
  /// An argument or result: of a type, or of the type an attribute names; a list when a number or a list of types is named.
  public struct ArgDef: ProtoMessage {
    public var name: String?
    public var description: String?
    public var type: DataType?
    public var typeAttr: String?
    public var numberAttr: String?
    public var typeListAttr: String?
    public var handleData: WireBytes?
    public var isRef: Bool?
    public var experimentalFullType: WireBytes?
    public var unknownFields = PackedValues()
    public init() {}

    public static let messageName = "OpDef.ArgDef"
    public static let table = FieldTable<Self>([
      .string(1, "name", \.name),
      .string(2, "description", \.description),
      .enumeration(3, named: "type", "DataType", \.type),
      .string(4, "type_attr", \.typeAttr),
      .string(5, "number_attr", \.numberAttr),
      .string(6, "type_list_attr", \.typeListAttr),
      .bytes(7, "handle_data", \.handleData),
      .bool(16, "is_ref", \.isRef),
      .bytes(17, "experimental_full_type", \.experimentalFullType),
    ])
  }

  /// An attribute an op takes.
  public struct AttrDef: ProtoMessage {
    public var name: String?
    public var type: String?
    public var defaultValue: AttrValue?
    public var description: String?
    public var hasMinimum: Bool?
    public var minimum: Int64?
    public var allowedValues: AttrValue?
    public var unknownFields = PackedValues()
    public init() {}

    public static let messageName = "OpDef.AttrDef"
    public static let table = FieldTable<Self>([
      .string(1, "name", \.name),
      .string(2, "type", \.type),
      .message(3, "default_value", \.defaultValue),
      .string(4, "description", \.description),
      .bool(5, "has_minimum", \.hasMinimum),
      .int64(6, "minimum", \.minimum),
      .message(7, "allowed_values", \.allowedValues),
    ])
  }
}
