import ProtobufWire

/// The objects of a checkpoint, kept in it under `_CHECKPOINTABLE_OBJECT_GRAPH`.
/// `tensorflow/core/protobuf/trackable_object_graph.proto`.
public struct TrackableObjectGraph: ProtoMessage {
  public var nodes: [TrackableObject] = []
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "TrackableObjectGraph"
  public static let table = FieldTable<Self>([.messages(1, "nodes", \.nodes)])
}

/// An object with its named children and the tensors it saved.
public struct TrackableObject: ProtoMessage {
  public var children: [ObjectReference] = []
  public var attributes: [SerializedTensor] = []
  public var slotVariables: [SlotVariableReference] = []
  public var registeredSaver: RegisteredSaver?
  public var hasCheckpointValues: BoolValue?
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "TrackableObjectGraph.TrackableObject"
  public static let table = FieldTable<Self>([
    .messages(1, "children", \.children),
    .messages(2, "attributes", \.attributes),
    .messages(3, "slot_variables", \.slotVariables),
    .message(4, "registered_saver", \.registeredSaver),
    .message(5, "has_checkpoint_values", \.hasCheckpointValues),
  ])

  /// A saved tensor: its name on the object (`VARIABLE_VALUE`), the variable's own name, its key in the checkpoint.
  public struct SerializedTensor: ProtoMessage {
    public var name: String?
    public var fullName: String?
    public var checkpointKey: String?
    public var unknownFields = PackedValues()
    public init() {}

    public static let messageName = "TrackableObjectGraph.TrackableObject.SerializedTensor"
    public static let table = FieldTable<Self>([
      .string(1, "name", \.name),
      .string(2, "full_name", \.fullName),
      .string(3, "checkpoint_key", \.checkpointKey),
    ])
  }
}

/// A child under a name.
public struct ObjectReference: ProtoMessage {
  public var nodeID: Int32?
  public var localName: String?
  public var unknownFields = PackedValues()
  public init() {}
  public init(_ localName: String, _ nodeID: Int) {
    self.localName = localName
    // Zero is left out, as proto3 does.
    self.nodeID = nodeID == 0 ? nil : Int32(clamping: nodeID)
  }

  public static let messageName = "TrackableObjectGraph.TrackableObject.ObjectReference"
  public static let table = FieldTable<Self>([
    .int32(1, "node_id", \.nodeID),
    .string(2, "local_name", \.localName),
  ])
}

/// What an optimiser keeps for a variable.
public struct SlotVariableReference: ProtoMessage {
  public var originalVariableNodeID: Int32?
  public var slotName: String?
  public var slotVariableNodeID: Int32?
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "TrackableObjectGraph.TrackableObject.SlotVariableReference"
  public static let table = FieldTable<Self>([
    .int32(1, "original_variable_node_id", \.originalVariableNodeID),
    .string(2, "slot_name", \.slotName),
    .int32(3, "slot_variable_node_id", \.slotVariableNodeID),
  ])
}

public struct RegisteredSaver: ProtoMessage {
  public var name: String?
  public var objectName: String?
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "RegisteredSaver"
  public static let table = FieldTable<Self>([.string(1, "name", \.name), .string(2, "object_name", \.objectName)])
}

/// A boolean that may be absent.
public struct BoolValue: ProtoMessage {
  public var value: Bool?
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "BoolValue"
  public static let table = FieldTable<Self>([.bool(1, "value", \.value)])
}
