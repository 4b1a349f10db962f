import ProtobufWire

/// A variable of TensorFlow 1, as collections hold it. `tensorflow/core/framework/variable.proto`.
public struct VariableDef: ProtoMessage {
  /// The tensor of its handle: `dense/kernel:0`.
  public var variableName: String?
  public var initialValueName: String?
  public var initializerName: String?
  public var snapshotName: String?
  /// For one part of a partitioned variable: which.
  public var saveSliceInfoDef: SaveSliceInfoDef?
  public var isResource: Bool?
  public var trainable: Bool?
  public var synchronization: VariableSynchronization?
  public var aggregation: VariableAggregation?
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "VariableDef"
  public static let table = FieldTable<Self>([
    .string(1, "variable_name", \.variableName),
    .string(6, "initial_value_name", \.initialValueName),
    .string(2, "initializer_name", \.initializerName),
    .string(3, "snapshot_name", \.snapshotName),
    .message(4, "save_slice_info_def", \.saveSliceInfoDef),
    .bool(5, "is_resource", \.isResource),
    .bool(7, "trainable", \.trainable),
    .enumeration(8, named: "synchronization", "VariableSynchronization", \.synchronization),
    .enumeration(9, named: "aggregation", "VariableAggregation", \.aggregation),
  ])
}

/// Which part of a whole a variable holds.
public struct SaveSliceInfoDef: ProtoMessage {
  /// The whole's name, which is its key in the checkpoint.
  public var fullName: String?
  public var fullShape: [Int64] = []
  public var varOffset: [Int64] = []
  public var varShape: [Int64] = []
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "SaveSliceInfoDef"
  public static let table = FieldTable<Self>([
    .string(1, "full_name", \.fullName),
    .packedInt64s(2, "full_shape", .int64, \.fullShape),
    .packedInt64s(3, "var_offset", .int64, \.varOffset),
    .packedInt64s(4, "var_shape", .int64, \.varShape),
  ])
}

public struct VariableSynchronization: ProtoEnumeration, Hashable {
  public var rawValue: Int32
  public init(rawValue: Int32) { self.rawValue = rawValue }
  public static let names: [Int32: String] = [
    0: "VARIABLE_SYNCHRONIZATION_AUTO", 1: "VARIABLE_SYNCHRONIZATION_NONE", 2: "VARIABLE_SYNCHRONIZATION_ON_WRITE",
    3: "VARIABLE_SYNCHRONIZATION_ON_READ",
  ]
}

public struct VariableAggregation: ProtoEnumeration, Hashable {
  public var rawValue: Int32
  public init(rawValue: Int32) { self.rawValue = rawValue }
  public static let names: [Int32: String] = [
    0: "VARIABLE_AGGREGATION_NONE", 1: "VARIABLE_AGGREGATION_SUM", 2: "VARIABLE_AGGREGATION_MEAN",
    3: "VARIABLE_AGGREGATION_ONLY_FIRST_REPLICA",
  ]
}
