import ProtobufWire
import TensorFlowGraph

/// `keras_metadata.pb`: what Keras 2 knows of the objects that are layers. `tf_keras/protobuf/saved_metadata.proto`.
public struct SavedMetadata: ProtoMessage {
  public var nodes: [KerasObject] = []
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "SavedMetadata"
  public static let table = FieldTable<Self>([.messages(1, "nodes", \.nodes)])
}

/// A layer, model or metric.
public struct KerasObject: ProtoMessage {
  /// Its place in the object graph.
  public var nodeID: Int32?
  /// `root.layer_with_weights-0`.
  public var nodePath: String?
  /// `_tf_keras_layer`, `_tf_keras_model`, `_tf_keras_sequential`, `_tf_keras_network`, `_tf_keras_metric`.
  public var identifier: String?
  /// JSON: `class_name`, `config`, `trainable`, `build_input_shape` and more.
  public var metadata: String?
  public var version: VersionDef?
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "SavedObject"
  public static let table = FieldTable<Self>([
    .int32(2, "node_id", \.nodeID),
    .string(3, "node_path", \.nodePath),
    .string(4, "identifier", \.identifier),
    .string(5, "metadata", \.metadata),
    .message(6, "version", \.version),
  ])
}
