// Written by formats/tflite/generate_wire.py from formats/tflite/schema.fbs.

import FlatBufferWire

/// The schema's `TopKV2Options`.
public struct TopKV2Options: FlatTable {
  public var unknownFields: [Int] = []

  public init() {}

  public static let tableName = "TopKV2Options"
  public static let table = FlatFieldTable<TopKV2Options>([])
}

/// The schema's `ReducerOptions`.
public struct ReducerOptions: FlatTable {
  public var keepDims: Bool = false
  public var unknownFields: [Int] = []

  public init() {}
  public init(keepDims: Bool = false) {
    self.keepDims = keepDims
  }

  public static let tableName = "ReducerOptions"
  public static let table = FlatFieldTable<ReducerOptions>(rows)
  private static let rows: [FlatField<ReducerOptions>] = [
    .scalar(0, "keep_dims", \.keepDims, false)
  ]
}

/// The schema's `ArgMaxOptions`.
public struct ArgMaxOptions: FlatTable {
  public var outputType: TFLiteTensorType = .float32
  public var unknownFields: [Int] = []

  public init() {}
  public init(outputType: TFLiteTensorType = .float32) {
    self.outputType = outputType
  }

  public static let tableName = "ArgMaxOptions"
  public static let table = FlatFieldTable<ArgMaxOptions>(rows)
  private static let rows: [FlatField<ArgMaxOptions>] = [
    .scalar(0, "output_type", \.outputType, .float32)
  ]
}

/// The schema's `ArgMinOptions`.
public struct ArgMinOptions: FlatTable {
  public var outputType: TFLiteTensorType = .float32
  public var unknownFields: [Int] = []

  public init() {}
  public init(outputType: TFLiteTensorType = .float32) {
    self.outputType = outputType
  }

  public static let tableName = "ArgMinOptions"
  public static let table = FlatFieldTable<ArgMinOptions>(rows)
  private static let rows: [FlatField<ArgMinOptions>] = [
    .scalar(0, "output_type", \.outputType, .float32)
  ]
}

/// The schema's `UniqueOptions`.
public struct UniqueOptions: FlatTable {
  public var idxOutType: TFLiteTensorType = .int32
  public var unknownFields: [Int] = []

  public init() {}
  public init(idxOutType: TFLiteTensorType = .int32) {
    self.idxOutType = idxOutType
  }

  public static let tableName = "UniqueOptions"
  public static let table = FlatFieldTable<UniqueOptions>(rows)
  private static let rows: [FlatField<UniqueOptions>] = [
    .scalar(0, "idx_out_type", \.idxOutType, .int32)
  ]
}

/// The schema's `NonMaxSuppressionV4Options`.
public struct NonMaxSuppressionV4Options: FlatTable {
  public var unknownFields: [Int] = []

  public init() {}

  public static let tableName = "NonMaxSuppressionV4Options"
  public static let table = FlatFieldTable<NonMaxSuppressionV4Options>([])
}

/// The schema's `NonMaxSuppressionV5Options`.
public struct NonMaxSuppressionV5Options: FlatTable {
  public var unknownFields: [Int] = []

  public init() {}

  public static let tableName = "NonMaxSuppressionV5Options"
  public static let table = FlatFieldTable<NonMaxSuppressionV5Options>([])
}

/// The schema's `SegmentSumOptions`.
public struct SegmentSumOptions: FlatTable {
  public var unknownFields: [Int] = []

  public init() {}

  public static let tableName = "SegmentSumOptions"
  public static let table = FlatFieldTable<SegmentSumOptions>([])
}

/// The schema's `CumsumOptions`.
public struct CumsumOptions: FlatTable {
  public var exclusive: Bool = false
  public var reverse: Bool = false
  public var unknownFields: [Int] = []

  public init() {}
  public init(exclusive: Bool = false, reverse: Bool = false) {
    self.exclusive = exclusive
    self.reverse = reverse
  }

  public static let tableName = "CumsumOptions"
  public static let table = FlatFieldTable<CumsumOptions>(rows)
  private static let rows: [FlatField<CumsumOptions>] = [
    .scalar(0, "exclusive", \.exclusive, false),
    .scalar(1, "reverse", \.reverse, false),
  ]
}

/// The schema's `UnsortedSegmentProdOptions`.
public struct UnsortedSegmentProdOptions: FlatTable {
  public var unknownFields: [Int] = []

  public init() {}

  public static let tableName = "UnsortedSegmentProdOptions"
  public static let table = FlatFieldTable<UnsortedSegmentProdOptions>([])
}

/// The schema's `UnsortedSegmentMaxOptions`.
public struct UnsortedSegmentMaxOptions: FlatTable {
  public var unknownFields: [Int] = []

  public init() {}

  public static let tableName = "UnsortedSegmentMaxOptions"
  public static let table = FlatFieldTable<UnsortedSegmentMaxOptions>([])
}

/// The schema's `UnsortedSegmentSumOptions`.
public struct UnsortedSegmentSumOptions: FlatTable {
  public var unknownFields: [Int] = []

  public init() {}

  public static let tableName = "UnsortedSegmentSumOptions"
  public static let table = FlatFieldTable<UnsortedSegmentSumOptions>([])
}

/// The schema's `UnsortedSegmentMinOptions`.
public struct UnsortedSegmentMinOptions: FlatTable {
  public var unknownFields: [Int] = []

  public init() {}

  public static let tableName = "UnsortedSegmentMinOptions"
  public static let table = FlatFieldTable<UnsortedSegmentMinOptions>([])
}

/// The schema's `ReduceWindowOptions`.
public struct ReduceWindowOptions: FlatTable {
  public var reduceFunction: ReduceWindowFunction = .unsupported
  public var unknownFields: [Int] = []

  public init() {}
  public init(reduceFunction: ReduceWindowFunction = .unsupported) {
    self.reduceFunction = reduceFunction
  }

  public static let tableName = "ReduceWindowOptions"
  public static let table = FlatFieldTable<ReduceWindowOptions>(rows)
  private static let rows: [FlatField<ReduceWindowOptions>] = [
    .scalar(0, "reduce_function", \.reduceFunction, .unsupported)
  ]
}
