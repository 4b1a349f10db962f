// Written by formats/tflite/generate_wire.py from formats/tflite/schema.fbs.

import FlatBufferWire

/// The schema's `StablehloReduceWindowOptions`.
public struct StablehloReduceWindowOptions: FlatTable {
  public var windowDimensions: [Int64]? = nil
  public var windowStrides: [Int64]? = nil
  public var baseDilations: [Int64]? = nil
  public var windowDilations: [Int64]? = nil
  public var padding: [Int64]? = nil
  public var bodySubgraphIndex: Int32 = 0
  public var unknownFields: [Int] = []

  public init() {}
  public init(
    windowDimensions: [Int64]? = nil, windowStrides: [Int64]? = nil, baseDilations: [Int64]? = nil,
    windowDilations: [Int64]? = nil, padding: [Int64]? = nil, bodySubgraphIndex: Int32 = 0
  ) {
    self.windowDimensions = windowDimensions
    self.windowStrides = windowStrides
    self.baseDilations = baseDilations
    self.windowDilations = windowDilations
    self.padding = padding
    self.bodySubgraphIndex = bodySubgraphIndex
  }

  public static let tableName = "StablehloReduceWindowOptions"
  public static let table = FlatFieldTable<StablehloReduceWindowOptions>(rows)
  private static let rows: [FlatField<StablehloReduceWindowOptions>] = [
    .scalars(0, "window_dimensions", \.windowDimensions),
    .scalars(1, "window_strides", \.windowStrides),
    .scalars(2, "base_dilations", \.baseDilations),
    .scalars(3, "window_dilations", \.windowDilations),
    .scalars(4, "padding", \.padding),
    .scalar(5, "body_subgraph_index", \.bodySubgraphIndex, 0),
  ]
}

/// The schema's `StablehloWhileOptions`.
public struct StablehloWhileOptions: FlatTable {
  public var condSubgraphIndex: Int32 = 0
  public var bodySubgraphIndex: Int32 = 0
  public var unknownFields: [Int] = []

  public init() {}
  public init(condSubgraphIndex: Int32 = 0, bodySubgraphIndex: Int32 = 0) {
    self.condSubgraphIndex = condSubgraphIndex
    self.bodySubgraphIndex = bodySubgraphIndex
  }

  public static let tableName = "StablehloWhileOptions"
  public static let table = FlatFieldTable<StablehloWhileOptions>(rows)
  private static let rows: [FlatField<StablehloWhileOptions>] = [
    .scalar(0, "cond_subgraph_index", \.condSubgraphIndex, 0),
    .scalar(1, "body_subgraph_index", \.bodySubgraphIndex, 0),
  ]
}

/// The schema's `StablehloSortOptions`.
public struct StablehloSortOptions: FlatTable {
  public var dimension: Int64 = 0
  public var isStable: Bool = false
  public var comparatorSubgraphIndex: Int32 = 0
  public var unknownFields: [Int] = []

  public init() {}
  public init(dimension: Int64 = 0, isStable: Bool = false, comparatorSubgraphIndex: Int32 = 0) {
    self.dimension = dimension
    self.isStable = isStable
    self.comparatorSubgraphIndex = comparatorSubgraphIndex
  }

  public static let tableName = "StablehloSortOptions"
  public static let table = FlatFieldTable<StablehloSortOptions>(rows)
  private static let rows: [FlatField<StablehloSortOptions>] = [
    .scalar(0, "dimension", \.dimension, 0),
    .scalar(1, "is_stable", \.isStable, false),
    .scalar(2, "comparator_subgraph_index", \.comparatorSubgraphIndex, 0),
  ]
}

/// The schema's `StablehloCompareOptions`.
public struct StablehloCompareOptions: FlatTable {
  public var comparisonDirection: StablehloComparisonDirection = .stablehloComparisonDirectionEq
  public var compareType: StablehloComparisonType = .stablehloComparisonTypeNotype
  public var unknownFields: [Int] = []

  public init() {}
  public init(
    comparisonDirection: StablehloComparisonDirection = .stablehloComparisonDirectionEq,
    compareType: StablehloComparisonType = .stablehloComparisonTypeNotype
  ) {
    self.comparisonDirection = comparisonDirection
    self.compareType = compareType
  }

  public static let tableName = "StablehloCompareOptions"
  public static let table = FlatFieldTable<StablehloCompareOptions>(rows)
  private static let rows: [FlatField<StablehloCompareOptions>] = [
    .scalar(0, "comparison_direction", \.comparisonDirection, .stablehloComparisonDirectionEq),
    .scalar(1, "compare_type", \.compareType, .stablehloComparisonTypeNotype),
  ]
}

/// The schema's `StablehloIotaOptions`.
public struct StablehloIotaOptions: FlatTable {
  public var iotaDimension: Int64 = 0
  public var unknownFields: [Int] = []

  public init() {}
  public init(iotaDimension: Int64 = 0) {
    self.iotaDimension = iotaDimension
  }

  public static let tableName = "StablehloIotaOptions"
  public static let table = FlatFieldTable<StablehloIotaOptions>(rows)
  private static let rows: [FlatField<StablehloIotaOptions>] = [
    .scalar(0, "iota_dimension", \.iotaDimension, 0)
  ]
}

/// The schema's `StablehloCustomCallOptions`.
public struct StablehloCustomCallOptions: FlatTable {
  public var callTargetName: String? = nil
  public var hasSideEffect: Bool = false
  public var backendConfig: String? = nil
  public var apiVersion: Int32 = 0
  public var calledComputations: [Int32]? = nil
  public var customAttributes: FlatBytes? = nil
  public var unknownFields: [Int] = []

  public init() {}
  public init(
    callTargetName: String? = nil, hasSideEffect: Bool = false, backendConfig: String? = nil, apiVersion: Int32 = 0,
    calledComputations: [Int32]? = nil, customAttributes: FlatBytes? = nil
  ) {
    self.callTargetName = callTargetName
    self.hasSideEffect = hasSideEffect
    self.backendConfig = backendConfig
    self.apiVersion = apiVersion
    self.calledComputations = calledComputations
    self.customAttributes = customAttributes
  }

  public static let tableName = "StablehloCustomCallOptions"
  public static let table = FlatFieldTable<StablehloCustomCallOptions>(rows)
  private static let rows: [FlatField<StablehloCustomCallOptions>] = [
    .string(0, "call_target_name", \.callTargetName),
    .scalar(1, "has_side_effect", \.hasSideEffect, false),
    .string(2, "backend_config", \.backendConfig),
    .scalar(3, "api_version", \.apiVersion, 0),
    .scalars(4, "called_computations", \.calledComputations),
    .bytes(5, "custom_attributes", \.customAttributes),
  ]
}

/// The schema's `StablehloReduceOptions`.
public struct StablehloReduceOptions: FlatTable {
  public var dimensions: [Int64]? = nil
  public var bodySubgraphIndex: Int32 = 0
  public var unknownFields: [Int] = []

  public init() {}
  public init(dimensions: [Int64]? = nil, bodySubgraphIndex: Int32 = 0) {
    self.dimensions = dimensions
    self.bodySubgraphIndex = bodySubgraphIndex
  }

  public static let tableName = "StablehloReduceOptions"
  public static let table = FlatFieldTable<StablehloReduceOptions>(rows)
  private static let rows: [FlatField<StablehloReduceOptions>] = [
    .scalars(0, "dimensions", \.dimensions),
    .scalar(1, "body_subgraph_index", \.bodySubgraphIndex, 0),
  ]
}

/// The schema's `StablehloScatterOptions`.
public struct StablehloScatterOptions: FlatTable {
  public var indicesAreSorted: Bool = false
  public var updateWindowDims: [Int64]? = nil
  public var insertedWindowDims: [Int64]? = nil
  public var scatterDimsToOperandDims: [Int64]? = nil
  public var indexVectorDim: Int64 = 0
  public var uniqueIndices: Bool = false
  public var updateComputationSubgraphIndex: Int32 = 0
  public var unknownFields: [Int] = []

  public init() {}
  public init(
    indicesAreSorted: Bool = false, updateWindowDims: [Int64]? = nil, insertedWindowDims: [Int64]? = nil,
    scatterDimsToOperandDims: [Int64]? = nil, indexVectorDim: Int64 = 0, uniqueIndices: Bool = false,
    updateComputationSubgraphIndex: Int32 = 0
  ) {
    self.indicesAreSorted = indicesAreSorted
    self.updateWindowDims = updateWindowDims
    self.insertedWindowDims = insertedWindowDims
    self.scatterDimsToOperandDims = scatterDimsToOperandDims
    self.indexVectorDim = indexVectorDim
    self.uniqueIndices = uniqueIndices
    self.updateComputationSubgraphIndex = updateComputationSubgraphIndex
  }

  public static let tableName = "StablehloScatterOptions"
  public static let table = FlatFieldTable<StablehloScatterOptions>(rows)
  private static let rows: [FlatField<StablehloScatterOptions>] = [
    .scalar(0, "indices_are_sorted", \.indicesAreSorted, false),
    .scalars(1, "update_window_dims", \.updateWindowDims),
    .scalars(2, "inserted_window_dims", \.insertedWindowDims),
    .scalars(3, "scatter_dims_to_operand_dims", \.scatterDimsToOperandDims),
    .scalar(4, "index_vector_dim", \.indexVectorDim, 0),
    .scalar(5, "unique_indices", \.uniqueIndices, false),
    .scalar(6, "update_computation_subgraph_index", \.updateComputationSubgraphIndex, 0),
  ]
}

/// The schema's `StablehloCaseOptions`.
public struct StablehloCaseOptions: FlatTable {
  public var branchSubgraphIndices: [Int32]? = nil
  public var unknownFields: [Int] = []

  public init() {}
  public init(branchSubgraphIndices: [Int32]? = nil) {
    self.branchSubgraphIndices = branchSubgraphIndices
  }

  public static let tableName = "StablehloCaseOptions"
  public static let table = FlatFieldTable<StablehloCaseOptions>(rows)
  private static let rows: [FlatField<StablehloCaseOptions>] = [
    .scalars(0, "branch_subgraph_indices", \.branchSubgraphIndices)
  ]
}

/// The schema's `StablehloRngBitGeneratorOptions`.
public struct StablehloRngBitGeneratorOptions: FlatTable {
  public var algorithm: RngAlgorithm = .default
  public var unknownFields: [Int] = []

  public init() {}
  public init(algorithm: RngAlgorithm = .default) {
    self.algorithm = algorithm
  }

  public static let tableName = "StablehloRngBitGeneratorOptions"
  public static let table = FlatFieldTable<StablehloRngBitGeneratorOptions>(rows)
  private static let rows: [FlatField<StablehloRngBitGeneratorOptions>] = [
    .scalar(0, "algorithm", \.algorithm, .default)
  ]
}

/// The schema's `StableHLOCompositeOptions`.
public struct StableHLOCompositeOptions: FlatTable {
  public var name: String? = nil
  public var decompositionSubgraphIndex: Int32 = 0
  public var compositeAttributes: FlatBytes? = nil
  public var compositeAttributesFormat: CustomOptionsFormat = .flexbuffers
  public var version: Int32 = 0
  public var unknownFields: [Int] = []

  public init() {}
  public init(
    name: String? = nil, decompositionSubgraphIndex: Int32 = 0, compositeAttributes: FlatBytes? = nil,
    compositeAttributesFormat: CustomOptionsFormat = .flexbuffers, version: Int32 = 0
  ) {
    self.name = name
    self.decompositionSubgraphIndex = decompositionSubgraphIndex
    self.compositeAttributes = compositeAttributes
    self.compositeAttributesFormat = compositeAttributesFormat
    self.version = version
  }

  public static let tableName = "StableHLOCompositeOptions"
  public static let table = FlatFieldTable<StableHLOCompositeOptions>(rows)
  private static let rows: [FlatField<StableHLOCompositeOptions>] = [
    .string(0, "name", \.name),
    .scalar(1, "decomposition_subgraph_index", \.decompositionSubgraphIndex, 0),
    .bytes(2, "composite_attributes", \.compositeAttributes),
    .scalar(3, "composite_attributes_format", \.compositeAttributesFormat, .flexbuffers),
    .scalar(4, "version", \.version, 0),
  ]
}

/// The schema's `StablehloShiftLeftOptions`.
public struct StablehloShiftLeftOptions: FlatTable {
  public var unknownFields: [Int] = []

  public init() {}

  public static let tableName = "StablehloShiftLeftOptions"
  public static let table = FlatFieldTable<StablehloShiftLeftOptions>([])
}
