// Written by formats/tflite/generate_wire.py from formats/tflite/schema.fbs.

import FlatBufferWire

/// The schema's `StablehloGatherOptions`.
public struct StablehloGatherOptions: FlatTable {
  public var offsetDims: [Int64]? = nil
  public var collapsedSliceDims: [Int64]? = nil
  public var startIndexMap: [Int64]? = nil
  public var indexVectorDim: Int64 = 0
  public var sliceSizes: [Int64]? = nil
  public var indicesAreSorted: Bool = false
  public var unknownFields: [Int] = []

  public init() {}
  public init(
    offsetDims: [Int64]? = nil, collapsedSliceDims: [Int64]? = nil, startIndexMap: [Int64]? = nil, indexVectorDim: Int64 = 0,
    sliceSizes: [Int64]? = nil, indicesAreSorted: Bool = false
  ) {
    self.offsetDims = offsetDims
    self.collapsedSliceDims = collapsedSliceDims
    self.startIndexMap = startIndexMap
    self.indexVectorDim = indexVectorDim
    self.sliceSizes = sliceSizes
    self.indicesAreSorted = indicesAreSorted
  }

  public static let tableName = "StablehloGatherOptions"
  public static let table = FlatFieldTable<StablehloGatherOptions>(rows)
  private static let rows: [FlatField<StablehloGatherOptions>] = [
    .scalars(0, "offset_dims", \.offsetDims),
    .scalars(1, "collapsed_slice_dims", \.collapsedSliceDims),
    .scalars(2, "start_index_map", \.startIndexMap),
    .scalar(3, "index_vector_dim", \.indexVectorDim, 0),
    .scalars(4, "slice_sizes", \.sliceSizes),
    .scalar(5, "indices_are_sorted", \.indicesAreSorted, false),
  ]
}

/// The schema's `StablehloTransposeOptions`.
public struct StablehloTransposeOptions: FlatTable {
  public var permutation: [Int64]? = nil
  public var unknownFields: [Int] = []

  public init() {}
  public init(permutation: [Int64]? = nil) {
    self.permutation = permutation
  }

  public static let tableName = "StablehloTransposeOptions"
  public static let table = FlatFieldTable<StablehloTransposeOptions>(rows)
  private static let rows: [FlatField<StablehloTransposeOptions>] = [
    .scalars(0, "permutation", \.permutation)
  ]
}

/// The schema's `StablehloDotGeneralOptions`.
public struct StablehloDotGeneralOptions: FlatTable {
  public var lhsBatchingDimensions: [Int64]? = nil
  public var rhsBatchingDimensions: [Int64]? = nil
  public var lhsContractingDimensions: [Int64]? = nil
  public var rhsContractingDimensions: [Int64]? = nil
  public var precisionConfig: [StablehloPrecisionConfig]? = nil
  public var unknownFields: [Int] = []

  public init() {}
  public init(
    lhsBatchingDimensions: [Int64]? = nil, rhsBatchingDimensions: [Int64]? = nil, lhsContractingDimensions: [Int64]? = nil,
    rhsContractingDimensions: [Int64]? = nil, precisionConfig: [StablehloPrecisionConfig]? = nil
  ) {
    self.lhsBatchingDimensions = lhsBatchingDimensions
    self.rhsBatchingDimensions = rhsBatchingDimensions
    self.lhsContractingDimensions = lhsContractingDimensions
    self.rhsContractingDimensions = rhsContractingDimensions
    self.precisionConfig = precisionConfig
  }

  public static let tableName = "StablehloDotGeneralOptions"
  public static let table = FlatFieldTable<StablehloDotGeneralOptions>(rows)
  private static let rows: [FlatField<StablehloDotGeneralOptions>] = [
    .scalars(0, "lhs_batching_dimensions", \.lhsBatchingDimensions),
    .scalars(1, "rhs_batching_dimensions", \.rhsBatchingDimensions),
    .scalars(2, "lhs_contracting_dimensions", \.lhsContractingDimensions),
    .scalars(3, "rhs_contracting_dimensions", \.rhsContractingDimensions),
    .scalars(4, "precision_config", \.precisionConfig),
  ]
}

/// The schema's `StablehloConcatenateOptions`.
public struct StablehloConcatenateOptions: FlatTable {
  public var dimension: Int64 = 0
  public var unknownFields: [Int] = []

  public init() {}
  public init(dimension: Int64 = 0) {
    self.dimension = dimension
  }

  public static let tableName = "StablehloConcatenateOptions"
  public static let table = FlatFieldTable<StablehloConcatenateOptions>(rows)
  private static let rows: [FlatField<StablehloConcatenateOptions>] = [
    .scalar(0, "dimension", \.dimension, 0)
  ]
}

/// The schema's `StablehloBroadcastInDimOptions`.
public struct StablehloBroadcastInDimOptions: FlatTable {
  public var broadcastDimensions: [Int64]? = nil
  public var unknownFields: [Int] = []

  public init() {}
  public init(broadcastDimensions: [Int64]? = nil) {
    self.broadcastDimensions = broadcastDimensions
  }

  public static let tableName = "StablehloBroadcastInDimOptions"
  public static let table = FlatFieldTable<StablehloBroadcastInDimOptions>(rows)
  private static let rows: [FlatField<StablehloBroadcastInDimOptions>] = [
    .scalars(0, "broadcast_dimensions", \.broadcastDimensions)
  ]
}

/// The schema's `StablehloDynamicSliceOptions`.
public struct StablehloDynamicSliceOptions: FlatTable {
  public var sliceSizes: [Int64]? = nil
  public var unknownFields: [Int] = []

  public init() {}
  public init(sliceSizes: [Int64]? = nil) {
    self.sliceSizes = sliceSizes
  }

  public static let tableName = "StablehloDynamicSliceOptions"
  public static let table = FlatFieldTable<StablehloDynamicSliceOptions>(rows)
  private static let rows: [FlatField<StablehloDynamicSliceOptions>] = [
    .scalars(0, "slice_sizes", \.sliceSizes)
  ]
}

/// The schema's `StablehloPadOptions`.
public struct StablehloPadOptions: FlatTable {
  public var edgePaddingLow: [Int64]? = nil
  public var edgePaddingHigh: [Int64]? = nil
  public var interiorPadding: [Int64]? = nil
  public var unknownFields: [Int] = []

  public init() {}
  public init(edgePaddingLow: [Int64]? = nil, edgePaddingHigh: [Int64]? = nil, interiorPadding: [Int64]? = nil) {
    self.edgePaddingLow = edgePaddingLow
    self.edgePaddingHigh = edgePaddingHigh
    self.interiorPadding = interiorPadding
  }

  public static let tableName = "StablehloPadOptions"
  public static let table = FlatFieldTable<StablehloPadOptions>(rows)
  private static let rows: [FlatField<StablehloPadOptions>] = [
    .scalars(0, "edge_padding_low", \.edgePaddingLow),
    .scalars(1, "edge_padding_high", \.edgePaddingHigh),
    .scalars(2, "interior_padding", \.interiorPadding),
  ]
}

/// The schema's `StablehloSliceOptions`.
public struct StablehloSliceOptions: FlatTable {
  public var startIndices: [Int64]? = nil
  public var limitIndices: [Int64]? = nil
  public var strides: [Int64]? = nil
  public var unknownFields: [Int] = []

  public init() {}
  public init(startIndices: [Int64]? = nil, limitIndices: [Int64]? = nil, strides: [Int64]? = nil) {
    self.startIndices = startIndices
    self.limitIndices = limitIndices
    self.strides = strides
  }

  public static let tableName = "StablehloSliceOptions"
  public static let table = FlatFieldTable<StablehloSliceOptions>(rows)
  private static let rows: [FlatField<StablehloSliceOptions>] = [
    .scalars(0, "start_indices", \.startIndices),
    .scalars(1, "limit_indices", \.limitIndices),
    .scalars(2, "strides", \.strides),
  ]
}

/// The schema's `StablehloConvolutionOptions`.
public struct StablehloConvolutionOptions: FlatTable {
  public var windowStrides: [Int64]? = nil
  public var padding: [Int64]? = nil
  public var lhsDilation: [Int64]? = nil
  public var rhsDilation: [Int64]? = nil
  public var windowReversal: [Bool]? = nil
  public var inputBatchDimension: Int64 = 0
  public var inputFeatureDimension: Int64 = 0
  public var inputSpatialDimensions: [Int64]? = nil
  public var kernelInputFeatureDimension: Int64 = 0
  public var kernelOutputFeatureDimension: Int64 = 0
  public var kernelSpatialDimensions: [Int64]? = nil
  public var outputBatchDimension: Int64 = 0
  public var outputFeatureDimension: Int64 = 0
  public var outputSpatialDimensions: [Int64]? = nil
  public var featureGroupCount: Int64 = 0
  public var batchGroupCount: Int64 = 0
  public var precisionConfig: [StablehloPrecisionConfig]? = nil
  public var unknownFields: [Int] = []

  public init() {}
  public init(
    windowStrides: [Int64]? = nil, padding: [Int64]? = nil, lhsDilation: [Int64]? = nil, rhsDilation: [Int64]? = nil,
    windowReversal: [Bool]? = nil, inputBatchDimension: Int64 = 0, inputFeatureDimension: Int64 = 0,
    inputSpatialDimensions: [Int64]? = nil, kernelInputFeatureDimension: Int64 = 0, kernelOutputFeatureDimension: Int64 = 0,
    kernelSpatialDimensions: [Int64]? = nil, outputBatchDimension: Int64 = 0, outputFeatureDimension: Int64 = 0,
    outputSpatialDimensions: [Int64]? = nil, featureGroupCount: Int64 = 0, batchGroupCount: Int64 = 0,
    precisionConfig: [StablehloPrecisionConfig]? = nil
  ) {
    self.windowStrides = windowStrides
    self.padding = padding
    self.lhsDilation = lhsDilation
    self.rhsDilation = rhsDilation
    self.windowReversal = windowReversal
    self.inputBatchDimension = inputBatchDimension
    self.inputFeatureDimension = inputFeatureDimension
    self.inputSpatialDimensions = inputSpatialDimensions
    self.kernelInputFeatureDimension = kernelInputFeatureDimension
    self.kernelOutputFeatureDimension = kernelOutputFeatureDimension
    self.kernelSpatialDimensions = kernelSpatialDimensions
    self.outputBatchDimension = outputBatchDimension
    self.outputFeatureDimension = outputFeatureDimension
    self.outputSpatialDimensions = outputSpatialDimensions
    self.featureGroupCount = featureGroupCount
    self.batchGroupCount = batchGroupCount
    self.precisionConfig = precisionConfig
  }

  public static let tableName = "StablehloConvolutionOptions"
  public static let table = FlatFieldTable<StablehloConvolutionOptions>(rows)
  private static let rows: [FlatField<StablehloConvolutionOptions>] = [
    .scalars(0, "window_strides", \.windowStrides),
    .scalars(1, "padding", \.padding),
    .scalars(2, "lhs_dilation", \.lhsDilation),
    .scalars(3, "rhs_dilation", \.rhsDilation),
    .scalars(4, "window_reversal", \.windowReversal),
    .scalar(5, "input_batch_dimension", \.inputBatchDimension, 0),
    .scalar(6, "input_feature_dimension", \.inputFeatureDimension, 0),
    .scalars(7, "input_spatial_dimensions", \.inputSpatialDimensions),
    .scalar(8, "kernel_input_feature_dimension", \.kernelInputFeatureDimension, 0),
    .scalar(9, "kernel_output_feature_dimension", \.kernelOutputFeatureDimension, 0),
    .scalars(10, "kernel_spatial_dimensions", \.kernelSpatialDimensions),
    .scalar(11, "output_batch_dimension", \.outputBatchDimension, 0),
    .scalar(12, "output_feature_dimension", \.outputFeatureDimension, 0),
    .scalars(13, "output_spatial_dimensions", \.outputSpatialDimensions),
    .scalar(14, "feature_group_count", \.featureGroupCount, 0),
    .scalar(15, "batch_group_count", \.batchGroupCount, 0),
    .scalars(16, "precision_config", \.precisionConfig),
  ]
}
