import ProtobufWire
import TensorFlowGraph

/// A graph with what is needed to use it. `tensorflow/core/protobuf/meta_graph.proto`.
public struct MetaGraphDef: ProtoMessage {
  public var graphDef: GraphDef?
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "MetaGraphDef"
  public static let table = FieldTable<Self>([
    .message(2, "graph_def", \.graphDef)
  ])
}
