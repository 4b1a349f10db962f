import FlatBufferWire

// What TensorFlow's converter tells of itself in the metadata `CONVERSION_METADATA`: conversion_metadata.fbs.

/// The converter, and what it was asked for.
public struct ConversionMetadata: FlatTable {
  public var environment: ConversionEnvironment?
  public var options: ConverterOptions?
  public var unknownFields: [Int] = []
  public init() {}

  public static let tableName = "ConversionMetadata"
  public static let table = FlatFieldTable<ConversionMetadata>(rows)
  private static let rows: [FlatField<ConversionMetadata>] = [
    .table(0, "environment", \.environment),
    .table(1, "options", \.options),
  ]
}

/// The schema's `Environment`.
public struct ConversionEnvironment: FlatTable {
  public var tensorflowVersion: String?
  public var apiVersion: UInt32 = 0
  public var modelType = ConversionModelType.none
  public var unknownFields: [Int] = []
  public init() {}

  public static let tableName = "Environment"
  public static let table = FlatFieldTable<ConversionEnvironment>(rows)
  private static let rows: [FlatField<ConversionEnvironment>] = [
    .string(0, "tensorflow_version", \.tensorflowVersion),
    .scalar(1, "api_version", \.apiVersion, 0),
    .scalar(2, "model_type", \.modelType, .none),
  ]
}

/// What the converter read.
public struct ConversionModelType: FlatEnumeration {
  public let rawValue: Int32
  public init(rawValue: Int32) { self.rawValue = rawValue }
  public static let none = ConversionModelType(rawValue: 0)
  public static let names: [String] = [
    "NONE", "TF_SAVED_MODEL", "KERAS_MODEL", "TF_CONCRETE_FUNCTIONS", "TF_GRAPH_DEF", "TF_SESSION", "JAX",
  ]
}

/// The schema's `ConversionOptions`.
public struct ConverterOptions: FlatTable {
  /// Numbers of `ModelOptimizationMode`; `modeNames` has their words.
  public var modelOptimizationModes: [Int32]?
  public var allowCustomOps = false
  public var enableSelectTfOps = false
  public var forceSelectTfOps = false
  public var sparsityBlockSizes: [SparsityBlockSize]?
  public var unknownFields: [Int] = []
  public init() {}

  public static let modeNames: [Int32: String] = [
    1001: "PTQ_FLOAT16", 1002: "PTQ_DYNAMIC_RANGE", 1003: "PTQ_FULL_INTEGER", 1004: "PTQ_INT16",
    2000: "QUANTIZATION_AWARE_TRAINING", 3001: "RANDOM_SPARSITY", 3002: "BLOCK_SPARSITY", 3003: "STRUCTURED_SPARSITY",
  ]
  public static let tableName = "ConversionOptions"
  public static let table = FlatFieldTable<ConverterOptions>(rows)
  private static let rows: [FlatField<ConverterOptions>] = [
    .scalars(0, "model_optimization_modes", \.modelOptimizationModes),
    .scalar(1, "allow_custom_ops", \.allowCustomOps, false),
    .scalar(2, "enable_select_tf_ops", \.enableSelectTfOps, false),
    .scalar(3, "force_select_tf_ops", \.forceSelectTfOps, false),
    .tables(4, "sparsity_block_sizes", \.sparsityBlockSizes),
  ]
}

public struct SparsityBlockSize: FlatTable {
  public var values: [UInt32]?
  public var unknownFields: [Int] = []
  public init() {}
  public static let tableName = "SparsityBlockSize"
  public static let table = FlatFieldTable<SparsityBlockSize>([.scalars(0, "values", \.values)])
}
