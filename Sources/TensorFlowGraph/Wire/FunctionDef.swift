import ProtobufWire

/// The functions of a graph. `tensorflow/core/framework/function.proto`.
public struct FunctionDefLibrary: ProtoMessage {
  public var function: [FunctionDef] = []
  public var gradient: [GradientDef] = []
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "FunctionDefLibrary"
  public static let table = FieldTable<Self>([
    .messages(1, "function", \.function),
    .messages(2, "gradient", \.gradient),
  ])
}

/// A function: its signature, its nodes, and which of their results it gives.
public struct FunctionDef: ProtoMessage {
  public var signature: OpDef?
  public var attr: [AttrEntry] = []
  /// Attributes of arguments, by index: as entries kept verbatim.
  public var argAttr: [WireBytes] = []
  /// Unique names of the resources among the arguments, by index.
  public var resourceArgUniqueId: [WireBytes] = []
  public var nodeDef: [NodeDef] = []
  /// From the names of the signature's outputs to `node:result:index`.
  public var ret: [StringEntry] = []
  public var controlRet: [StringEntry] = []
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "FunctionDef"
  public static let table = FieldTable<Self>([
    .message(1, "signature", \.signature),
    .messages(5, "attr", \.attr),
    .bytesList(7, "arg_attr", \.argAttr),
    .bytesList(8, "resource_arg_unique_id", \.resourceArgUniqueId),
    .messages(3, "node_def", \.nodeDef),
    .messages(4, "ret", \.ret),
    .messages(6, "control_ret", \.controlRet),
  ])
}

/// A text under a name.
public struct StringEntry: ProtoMessage {
  public var key: String?
  public var value: String?
  public var unknownFields = PackedValues()
  public init() {}
  public init(_ key: String, _ value: String) {
    self.key = key
    self.value = value
  }

  public static let messageName = "FunctionDef.RetEntry"
  public static let isMapEntry = true
  public static let table = FieldTable<Self>([
    .string(1, "key", \.key),
    .string(2, "value", \.value),
  ])
}

/// Which function is the gradient of which.
public struct GradientDef: ProtoMessage {
  public var functionName: String?
  public var gradientFunc: String?
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "GradientDef"
  public static let table = FieldTable<Self>([
    .string(1, "function_name", \.functionName),
    .string(2, "gradient_func", \.gradientFunc),
  ])
}
