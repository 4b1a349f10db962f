// Written by formats/tflite/generate_wire.py from formats/tflite/schema.fbs.

import FlatBufferWire

/// The schema's `GatherOptions`.
public struct GatherOptions: FlatTable {
  public var axis: Int32 = 0
  public var batchDims: Int32 = 0
  public var unknownFields: [Int] = []

  public init() {}
  public init(axis: Int32 = 0, batchDims: Int32 = 0) {
    self.axis = axis
    self.batchDims = batchDims
  }

  public static let tableName = "GatherOptions"
  public static let table = FlatFieldTable<GatherOptions>(rows)
  private static let rows: [FlatField<GatherOptions>] = [
    .scalar(0, "axis", \.axis, 0),
    .scalar(1, "batch_dims", \.batchDims, 0),
  ]
}

/// The schema's `SplitOptions`.
public struct SplitOptions: FlatTable {
  public var numSplits: Int32 = 0
  public var unknownFields: [Int] = []

  public init() {}
  public init(numSplits: Int32 = 0) {
    self.numSplits = numSplits
  }

  public static let tableName = "SplitOptions"
  public static let table = FlatFieldTable<SplitOptions>(rows)
  private static let rows: [FlatField<SplitOptions>] = [
    .scalar(0, "num_splits", \.numSplits, 0)
  ]
}

/// The schema's `SplitVOptions`.
public struct SplitVOptions: FlatTable {
  public var numSplits: Int32 = 0
  public var unknownFields: [Int] = []

  public init() {}
  public init(numSplits: Int32 = 0) {
    self.numSplits = numSplits
  }

  public static let tableName = "SplitVOptions"
  public static let table = FlatFieldTable<SplitVOptions>(rows)
  private static let rows: [FlatField<SplitVOptions>] = [
    .scalar(0, "num_splits", \.numSplits, 0)
  ]
}

/// The schema's `StridedSliceOptions`.
public struct StridedSliceOptions: FlatTable {
  public var beginMask: Int32 = 0
  public var endMask: Int32 = 0
  public var ellipsisMask: Int32 = 0
  public var newAxisMask: Int32 = 0
  public var shrinkAxisMask: Int32 = 0
  public var offset: Bool = false
  public var unknownFields: [Int] = []

  public init() {}
  public init(
    beginMask: Int32 = 0, endMask: Int32 = 0, ellipsisMask: Int32 = 0, newAxisMask: Int32 = 0, shrinkAxisMask: Int32 = 0,
    offset: Bool = false
  ) {
    self.beginMask = beginMask
    self.endMask = endMask
    self.ellipsisMask = ellipsisMask
    self.newAxisMask = newAxisMask
    self.shrinkAxisMask = shrinkAxisMask
    self.offset = offset
  }

  public static let tableName = "StridedSliceOptions"
  public static let table = FlatFieldTable<StridedSliceOptions>(rows)
  private static let rows: [FlatField<StridedSliceOptions>] = [
    .scalar(0, "begin_mask", \.beginMask, 0),
    .scalar(1, "end_mask", \.endMask, 0),
    .scalar(2, "ellipsis_mask", \.ellipsisMask, 0),
    .scalar(3, "new_axis_mask", \.newAxisMask, 0),
    .scalar(4, "shrink_axis_mask", \.shrinkAxisMask, 0),
    .scalar(5, "offset", \.offset, false),
  ]
}

/// The schema's `SliceOptions`.
public struct SliceOptions: FlatTable {
  public var unknownFields: [Int] = []

  public init() {}

  public static let tableName = "SliceOptions"
  public static let table = FlatFieldTable<SliceOptions>([])
}

/// The schema's `SparseToDenseOptions`.
public struct SparseToDenseOptions: FlatTable {
  public var validateIndices: Bool = false
  public var unknownFields: [Int] = []

  public init() {}
  public init(validateIndices: Bool = false) {
    self.validateIndices = validateIndices
  }

  public static let tableName = "SparseToDenseOptions"
  public static let table = FlatFieldTable<SparseToDenseOptions>(rows)
  private static let rows: [FlatField<SparseToDenseOptions>] = [
    .scalar(0, "validate_indices", \.validateIndices, false)
  ]
}

/// The schema's `OneHotOptions`.
public struct OneHotOptions: FlatTable {
  public var axis: Int32 = 0
  public var unknownFields: [Int] = []

  public init() {}
  public init(axis: Int32 = 0) {
    self.axis = axis
  }

  public static let tableName = "OneHotOptions"
  public static let table = FlatFieldTable<OneHotOptions>(rows)
  private static let rows: [FlatField<OneHotOptions>] = [
    .scalar(0, "axis", \.axis, 0)
  ]
}

/// The schema's `ReverseV2Options`.
public struct ReverseV2Options: FlatTable {
  public var unknownFields: [Int] = []

  public init() {}

  public static let tableName = "ReverseV2Options"
  public static let table = FlatFieldTable<ReverseV2Options>([])
}

/// The schema's `GatherNdOptions`.
public struct GatherNdOptions: FlatTable {
  public var unknownFields: [Int] = []

  public init() {}

  public static let tableName = "GatherNdOptions"
  public static let table = FlatFieldTable<GatherNdOptions>([])
}

/// The schema's `ReverseSequenceOptions`.
public struct ReverseSequenceOptions: FlatTable {
  public var seqDim: Int32 = 0
  public var batchDim: Int32 = 0
  public var unknownFields: [Int] = []

  public init() {}
  public init(seqDim: Int32 = 0, batchDim: Int32 = 0) {
    self.seqDim = seqDim
    self.batchDim = batchDim
  }

  public static let tableName = "ReverseSequenceOptions"
  public static let table = FlatFieldTable<ReverseSequenceOptions>(rows)
  private static let rows: [FlatField<ReverseSequenceOptions>] = [
    .scalar(0, "seq_dim", \.seqDim, 0),
    .scalar(1, "batch_dim", \.batchDim, 0),
  ]
}

/// The schema's `MatrixDiagOptions`.
public struct MatrixDiagOptions: FlatTable {
  public var unknownFields: [Int] = []

  public init() {}

  public static let tableName = "MatrixDiagOptions"
  public static let table = FlatFieldTable<MatrixDiagOptions>([])
}

/// The schema's `MatrixSetDiagOptions`.
public struct MatrixSetDiagOptions: FlatTable {
  public var unknownFields: [Int] = []

  public init() {}

  public static let tableName = "MatrixSetDiagOptions"
  public static let table = FlatFieldTable<MatrixSetDiagOptions>([])
}

/// The schema's `ScatterNdOptions`.
public struct ScatterNdOptions: FlatTable {
  public var unknownFields: [Int] = []

  public init() {}

  public static let tableName = "ScatterNdOptions"
  public static let table = FlatFieldTable<ScatterNdOptions>([])
}

/// The schema's `DynamicUpdateSliceOptions`.
public struct DynamicUpdateSliceOptions: FlatTable {
  public var unknownFields: [Int] = []

  public init() {}

  public static let tableName = "DynamicUpdateSliceOptions"
  public static let table = FlatFieldTable<DynamicUpdateSliceOptions>([])
}
