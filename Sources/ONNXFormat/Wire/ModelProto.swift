import ProtobufWire

/// A model: a graph, the versions of the operator sets it uses, and who made it.
public struct ModelProto: ProtoMessage {
  public var irVersion: Int64?
  public var producerName: String?
  public var producerVersion: String?
  /// Reverse-DNS name of the model's namespace.
  public var domain: String?
  public var modelVersion: Int64?
  public var docString: String?
  public var graph: GraphProto?
  /// The operator sets the graph relies on; the default domain is spelled `""` or `ai.onnx`.
  public var opsetImport: [OperatorSetIdProto] = []
  public var metadataProps: [StringStringEntryProto] = []
  public var trainingInfo: [TrainingInfoProto] = []
  /// Functions of the model's own, called like operators (IR version 8).
  public var functions: [FunctionProto] = []
  /// How the model spreads over devices (IR version 11).
  public var configuration: [DeviceConfigurationProto] = []
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "ModelProto"
  public static let table = FieldTable<Self>([
    .int64(1, "ir_version", \.irVersion),
    .string(2, "producer_name", \.producerName),
    .string(3, "producer_version", \.producerVersion),
    .string(4, "domain", \.domain),
    .int64(5, "model_version", \.modelVersion),
    .string(6, "doc_string", \.docString),
    .message(7, "graph", \.graph),
    .messages(8, "opset_import", \.opsetImport),
    .messages(14, "metadata_props", \.metadataProps),
    .messages(20, "training_info", \.trainingInfo),
    .messages(25, "functions", \.functions),
    .messages(26, "configuration", \.configuration),
  ])
}

/// A version of an operator set.
public struct OperatorSetIdProto: ProtoMessage {
  public var domain: String?
  public var version: Int64?
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "OperatorSetIdProto"
  public static let table = FieldTable<Self>([
    .string(1, "domain", \.domain),
    .int64(2, "version", \.version),
  ])
}

/// A key and its value.
public struct StringStringEntryProto: ProtoMessage {
  public var key: String?
  public var value: String?
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "StringStringEntryProto"
  public static let table = FieldTable<Self>([
    .string(1, "key", \.key),
    .string(2, "value", \.value),
  ])
}

/// How a model is initialised and trained.
public struct TrainingInfoProto: ProtoMessage {
  public var initialization: GraphProto?
  public var algorithm: GraphProto?
  public var initializationBinding: [StringStringEntryProto] = []
  public var updateBinding: [StringStringEntryProto] = []
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "TrainingInfoProto"
  public static let table = FieldTable<Self>([
    .message(1, "initialization", \.initialization),
    .message(2, "algorithm", \.algorithm),
    .messages(3, "initialization_binding", \.initializationBinding),
    .messages(4, "update_binding", \.updateBinding),
  ])
}
