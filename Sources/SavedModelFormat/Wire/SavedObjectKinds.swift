import ProtobufWire
import TensorFlowGraph

// What an object of a SavedModel may be. `tensorflow/core/protobuf/saved_object_graph.proto`.

/// An object of a class that loaders know by its identifier: `_generic_user_object`, `_tf_keras_layer`.
public struct SavedUserObject: ProtoMessage {
  public var identifier: String?
  public var version: VersionDef?
  /// Up to TensorFlow 2.5 a Keras layer's metadata as JSON; now in `keras_metadata.pb`.
  public var metadata: String?
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "SavedUserObject"
  public static let table = FieldTable<Self>([
    .string(1, "identifier", \.identifier),
    .message(2, "version", \.version),
    .string(3, "metadata", \.metadata),
  ])
}

/// A file, by its place among the meta graph's assets.
public struct SavedAsset: ProtoMessage {
  public var assetFileDefIndex: Int32?
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "SavedAsset"
  public static let table = FieldTable<Self>([.int32(1, "asset_file_def_index", \.assetFileDefIndex)])
}

/// A `tf.function`: several concrete functions, chosen by the arguments.
public struct SavedFunction: ProtoMessage {
  public var concreteFunctions: [String] = []
  public var functionSpec: FunctionSpec?
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "SavedFunction"
  public static let table = FieldTable<Self>([
    .strings(1, "concrete_functions", \.concreteFunctions),
    .message(2, "function_spec", \.functionSpec),
  ])
}

/// A tensor that a concrete function captured.
public struct CapturedTensor: ProtoMessage {
  public var name: String?
  public var concreteFunction: String?
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "CapturedTensor"
  public static let table = FieldTable<Self>([
    .string(1, "name", \.name),
    .string(2, "concrete_function", \.concreteFunction),
  ])
}

/// How a function of the library is called: which objects its last arguments are, and the structure of the others.
public struct SavedConcreteFunction: ProtoMessage {
  /// The nodes whose handles are passed behind the arguments.
  public var boundInputs: [Int64] = []
  /// A tuple of the positional arguments and the dictionary of those by keyword.
  public var canonicalizedInputSignature: StructuredValue?
  public var outputSignature: StructuredValue?
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "SavedConcreteFunction"
  public static let table = FieldTable<Self>([
    .packedInt64s(2, "bound_inputs", .int32, \.boundInputs),
    .message(3, "canonicalized_input_signature", \.canonicalizedInputSignature),
    .message(4, "output_signature", \.outputSignature),
  ])
}

/// One concrete function as an object of its own: what signatures are.
public struct SavedBareConcreteFunction: ProtoMessage {
  public var concreteFunctionName: String?
  /// The names of the arguments, in the order of the function's inputs.
  public var argumentKeywords: [String] = []
  public var allowedPositionalArguments: Int64?
  public var functionSpec: FunctionSpec?
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "SavedBareConcreteFunction"
  public static let table = FieldTable<Self>([
    .string(1, "concrete_function_name", \.concreteFunctionName),
    .strings(2, "argument_keywords", \.argumentKeywords),
    .int64(3, "allowed_positional_arguments", \.allowedPositionalArguments),
    .message(4, "function_spec", \.functionSpec),
  ])
}

/// A tensor that is a constant of the main graph.
public struct SavedConstant: ProtoMessage {
  public var operation: String?
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "SavedConstant"
  public static let table = FieldTable<Self>([.string(1, "operation", \.operation)])
}

/// A variable; its value stands in the checkpoint.
public struct SavedVariable: ProtoMessage {
  public var dtype: DataType?
  public var shape: TensorShapeProto?
  public var trainable: Bool?
  public var synchronization: VariableSynchronization?
  public var aggregation: VariableAggregation?
  public var name: String?
  public var device: String?
  public var experimentalDistributedVariableComponents: [SavedVariable] = []
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "SavedVariable"
  public static let table = FieldTable<Self>([
    .enumeration(1, named: "dtype", "DataType", \.dtype),
    .message(2, "shape", \.shape),
    .bool(3, "trainable", \.trainable),
    .enumeration(4, named: "synchronization", "VariableSynchronization", \.synchronization),
    .enumeration(5, named: "aggregation", "VariableAggregation", \.aggregation),
    .string(6, "name", \.name),
    .string(7, "device", \.device),
    .messages(8, "experimental_distributed_variable_components", \.experimentalDistributedVariableComponents),
  ])
}

/// What arguments a `tf.function` takes.
public struct FunctionSpec: ProtoMessage {
  /// Python's `FullArgSpec` as a named tuple.
  public var fullargspec: StructuredValue?
  public var isMethod: Bool?
  public var inputSignature: StructuredValue?
  public var jitCompile: JitCompile?
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "FunctionSpec"
  public static let table = FieldTable<Self>([
    .message(1, "fullargspec", \.fullargspec),
    .bool(2, "is_method", \.isMethod),
    .message(5, "input_signature", \.inputSignature),
    .enumeration(6, named: "jit_compile", "JitCompile", \.jitCompile),
  ])

  public struct JitCompile: ProtoEnumeration, Hashable {
    public var rawValue: Int32
    public init(rawValue: Int32) { self.rawValue = rawValue }
    public static let names: [Int32: String] = [0: "DEFAULT", 1: "ON", 2: "OFF"]
  }
}

/// State that is no variable: a lookup table, an iterator.
public struct SavedResource: ProtoMessage {
  public var device: String?
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "SavedResource"
  public static let table = FieldTable<Self>([.string(1, "device", \.device)])
}

/// The functions that save and restore an object.
public struct SaveableObject: ProtoMessage {
  public var saveFunction: Int32?
  public var restoreFunction: Int32?
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "SaveableObject"
  public static let table = FieldTable<Self>([
    .int32(2, "save_function", \.saveFunction),
    .int32(3, "restore_function", \.restoreFunction),
  ])
}
