import ProtobufWire
import TensorFlowGraph

/// `saved_model.pb`: several meta graphs, told apart by their tags. `tensorflow/core/protobuf/saved_model.proto`.
public struct SavedModelProto: ProtoMessage {
  public var savedModelSchemaVersion: Int64?
  public var metaGraphs: [MetaGraphDef] = []
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "SavedModel"
  public static let table = FieldTable<Self>([
    .int64(1, "saved_model_schema_version", \.savedModelSchemaVersion),
    .messages(2, "meta_graphs", \.metaGraphs),
  ])
}
