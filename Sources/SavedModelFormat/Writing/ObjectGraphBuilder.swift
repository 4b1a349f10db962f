import ModelGraph
import ModelSupport
import ModelTensor
import ProtobufWire
import TensorFlowGraph

/// Puts the objects of a SavedModel together: what loaders of TensorFlow 2 rebuild, and what the checkpoint is restored through.
/// Both have the same nodes by the same numbers.
struct ObjectGraphBuilder {
  private(set) var objects = SavedObjectGraph()
  private(set) var checkpoint = TrackableObjectGraph()
  /// The key under which a variable's value stands in the checkpoint.
  static let valueSuffix = "/.ATTRIBUTES/VARIABLE_VALUE"

  /// - Parameter root: what the model itself is.
  init(root: String = "_generic_user_object") { _ = add(Self.user(root)) }

  static func user(_ identifier: String) -> SavedObject {
    var object = SavedObject(), user = SavedUserObject(), version = VersionDef()
    version.producer = 1
    version.minConsumer = 1
    user.identifier = identifier
    user.version = version
    object.userObject = Indirect(user)
    return object
  }

  mutating func add(_ object: SavedObject) -> Int {
    objects.nodes.append(object)
    checkpoint.nodes.append(TrackableObject())
    return objects.nodes.count - 1
  }

  mutating func connect(_ parent: Int, _ name: String, _ child: Int) {
    objects.nodes[parent].children.append(ObjectReference(name, child))
    checkpoint.nodes[parent].children.append(ObjectReference(name, child))
  }

  mutating func store(_ node: Int, key: String, name: String) {
    var value = TrackableObject.SerializedTensor()
    value.name = "VARIABLE_VALUE"
    value.fullName = name
    value.checkpointKey = key
    checkpoint.nodes[node].attributes = [value]
  }

  /// - Returns: the variable's node; its value gets `key` in the checkpoint.
  mutating func addVariable(_ parameter: Parameter, key: String) throws -> Int {
    guard let dtype = DataType(parameter.tensor.dtype) else {
      throw UnsupportedError("TensorFlow has no dtype \(parameter.tensor.dtype)")
    }
    var object = SavedObject(), variable = SavedVariable()
    variable.dtype = dtype
    variable.shape = TensorShapeProto(Shape(parameter.tensor.extents))
    if parameter.isTrainable { variable.trainable = true }
    variable.name = parameter.name
    object.variable = Indirect(variable)
    let id = add(object)
    store(id, key: key, name: parameter.name)
    return id
  }

  /// A list of objects, as Python's trackable lists are saved.
  mutating func addList(_ parent: Int, _ name: String, _ items: [Int]) {
    let list = add(Self.user("trackable_list_wrapper"))
    connect(parent, name, list)
    for (index, item) in items.enumerated() { connect(list, String(index), item) }
  }

  mutating func addConcreteFunction(_ name: String, _ function: SavedConcreteFunction) {
    objects.concreteFunctions.append(.init(name, function))
  }
}

extension StructuredValue {
  static func tuple(_ values: [StructuredValue]) -> StructuredValue {
    var result = StructuredValue(), tuple = Tuple()
    tuple.values = values
    result.tupleValue = tuple
    return result
  }
  static func list(_ values: [StructuredValue]) -> StructuredValue {
    var result = StructuredValue(), list = List()
    list.values = values
    result.listValue = list
    return result
  }
  static func dictionary(_ entries: [(String, StructuredValue)]) -> StructuredValue {
    var result = StructuredValue(), dictionary = Dictionary()
    dictionary.fields = entries.sorted { $0.0 < $1.0 }.map { key, value in
      var entry = FieldEntry()
      entry.key = key
      entry.value = value
      return entry
    }
    result.dictValue = dictionary
    return result
  }
  static func string(_ text: String) -> StructuredValue {
    var result = StructuredValue()
    result.stringValue = text
    return result
  }
  static var none: StructuredValue {
    var result = StructuredValue()
    result.noneValue = NoneValue()
    return result
  }
  static func spec(_ name: String, _ type: TensorType) -> StructuredValue {
    var result = StructuredValue(), spec = TensorSpecProto()
    spec.name = name
    spec.shape = TensorShapeProto(type.shape)
    spec.dtype = DataType(type.dtype)
    result.tensorSpecValue = spec
    return result
  }

  /// Python's `inspect.FullArgSpec` of a function of these positional arguments.
  static func argumentSpec(_ names: [String]) -> StructuredValue {
    var result = StructuredValue(), tuple = NamedTuple()
    tuple.name = "FullArgSpec"
    let fields: [(String, StructuredValue)] = [
      ("args", .list(names.map { .string($0) })), ("varargs", .none), ("varkw", .none), ("defaults", .none),
      ("kwonlyargs", .list([])), ("kwonlydefaults", .none), ("annotations", .dictionary([])),
    ]
    tuple.values = fields.map { key, value in
      var pair = Pair()
      pair.key = key
      pair.value = value
      return pair
    }
    result.namedTupleValue = tuple
    return result
  }
}
