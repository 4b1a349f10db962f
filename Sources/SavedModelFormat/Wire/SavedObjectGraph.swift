import ProtobufWire
import TensorFlowGraph

/// The objects of a TensorFlow 2 model, the root first. `tensorflow/core/protobuf/saved_object_graph.proto`.
public struct SavedObjectGraph: ProtoMessage {
  public var nodes: [SavedObject] = []
  public var concreteFunctions: [ConcreteFunctionEntry] = []
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "SavedObjectGraph"
  public static let table = FieldTable<Self>([
    .messages(1, "nodes", \.nodes),
    .messages(2, "concrete_functions", \.concreteFunctions),
  ])

  /// A function of the library under its name.
  public struct ConcreteFunctionEntry: ProtoMessage {
    public var key: String?
    public var value: SavedConcreteFunction?
    public var unknownFields = PackedValues()
    public init() {}
    public init(_ key: String, _ value: SavedConcreteFunction) {
      self.key = key
      self.value = value
    }

    public static let messageName = "SavedObjectGraph.ConcreteFunctionsEntry"
    public static let isMapEntry = true
    public static let table = FieldTable<Self>([.string(1, "key", \.key), .message(2, "value", \.value)])
  }
}

/// One object: what it is (one of the kinds) and its named children.
public struct SavedObject: ProtoMessage {
  public var children: [ObjectReference] = []
  /// Objects that must be there before this one.
  public var dependencies: [ObjectReference] = []
  public var slotVariables: [SlotVariableReference] = []
  public var userObject: Indirect<SavedUserObject>?
  public var asset: SavedAsset?
  public var function: Indirect<SavedFunction>?
  public var variable: Indirect<SavedVariable>?
  public var bareConcreteFunction: Indirect<SavedBareConcreteFunction>?
  public var constant: SavedConstant?
  public var resource: SavedResource?
  public var capturedTensor: CapturedTensor?
  public var saveableObjects: [SaveableObjectEntry] = []
  public var registeredName: String?
  public var serializedUserProto: Indirect<AnyProto>?
  public var registeredSaver: String?
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "SavedObject"
  public static let table = FieldTable<Self>([
    .messages(1, "children", \.children),
    .messages(15, "dependencies", \.dependencies),
    .messages(3, "slot_variables", \.slotVariables),
    .message(4, "user_object", \.userObject),
    .message(5, "asset", \.asset),
    .message(6, "function", \.function),
    .message(7, "variable", \.variable),
    .message(8, "bare_concrete_function", \.bareConcreteFunction),
    .message(9, "constant", \.constant),
    .message(10, "resource", \.resource),
    .message(12, "captured_tensor", \.capturedTensor),
    .messages(11, "saveable_objects", \.saveableObjects),
    .string(13, "registered_name", \.registeredName),
    .message(14, "serialized_user_proto", \.serializedUserProto),
    .string(16, "registered_saver", \.registeredSaver),
  ])

  public struct SaveableObjectEntry: ProtoMessage {
    public var key: String?
    public var value: SaveableObject?
    public var unknownFields = PackedValues()
    public init() {}

    public static let messageName = "SavedObject.SaveableObjectsEntry"
    public static let isMapEntry = true
    public static let table = FieldTable<Self>([.string(1, "key", \.key), .message(2, "value", \.value)])
  }
}
