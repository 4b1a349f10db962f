// Written by formats/tflite/generate_wire.py from formats/tflite/schema.fbs.

import FlatBufferWire

/// The schema's `ReshapeOptions`.
public struct ReshapeOptions: FlatTable {
  public var newShape: [Int32]? = nil
  public var unknownFields: [Int] = []

  public init() {}
  public init(newShape: [Int32]? = nil) {
    self.newShape = newShape
  }

  public static let tableName = "ReshapeOptions"
  public static let table = FlatFieldTable<ReshapeOptions>(rows)
  private static let rows: [FlatField<ReshapeOptions>] = [
    .scalars(0, "new_shape", \.newShape)
  ]
}

/// The schema's `TransposeOptions`.
public struct TransposeOptions: FlatTable {
  public var unknownFields: [Int] = []

  public init() {}

  public static let tableName = "TransposeOptions"
  public static let table = FlatFieldTable<TransposeOptions>([])
}

/// The schema's `SqueezeOptions`.
public struct SqueezeOptions: FlatTable {
  public var squeezeDims: [Int32]? = nil
  public var unknownFields: [Int] = []

  public init() {}
  public init(squeezeDims: [Int32]? = nil) {
    self.squeezeDims = squeezeDims
  }

  public static let tableName = "SqueezeOptions"
  public static let table = FlatFieldTable<SqueezeOptions>(rows)
  private static let rows: [FlatField<SqueezeOptions>] = [
    .scalars(0, "squeeze_dims", \.squeezeDims)
  ]
}

/// The schema's `CastOptions`.
public struct CastOptions: FlatTable {
  public var inDataType: TFLiteTensorType = .float32
  public var outDataType: TFLiteTensorType = .float32
  public var unknownFields: [Int] = []

  public init() {}
  public init(inDataType: TFLiteTensorType = .float32, outDataType: TFLiteTensorType = .float32) {
    self.inDataType = inDataType
    self.outDataType = outDataType
  }

  public static let tableName = "CastOptions"
  public static let table = FlatFieldTable<CastOptions>(rows)
  private static let rows: [FlatField<CastOptions>] = [
    .scalar(0, "in_data_type", \.inDataType, .float32),
    .scalar(1, "out_data_type", \.outDataType, .float32),
  ]
}

/// The schema's `TileOptions`.
public struct TileOptions: FlatTable {
  public var unknownFields: [Int] = []

  public init() {}

  public static let tableName = "TileOptions"
  public static let table = FlatFieldTable<TileOptions>([])
}

/// The schema's `ExpandDimsOptions`.
public struct ExpandDimsOptions: FlatTable {
  public var unknownFields: [Int] = []

  public init() {}

  public static let tableName = "ExpandDimsOptions"
  public static let table = FlatFieldTable<ExpandDimsOptions>([])
}

/// The schema's `ShapeOptions`.
public struct ShapeOptions: FlatTable {
  public var outType: TFLiteTensorType = .float32
  public var unknownFields: [Int] = []

  public init() {}
  public init(outType: TFLiteTensorType = .float32) {
    self.outType = outType
  }

  public static let tableName = "ShapeOptions"
  public static let table = FlatFieldTable<ShapeOptions>(rows)
  private static let rows: [FlatField<ShapeOptions>] = [
    .scalar(0, "out_type", \.outType, .float32)
  ]
}

/// The schema's `RankOptions`.
public struct RankOptions: FlatTable {
  public var unknownFields: [Int] = []

  public init() {}

  public static let tableName = "RankOptions"
  public static let table = FlatFieldTable<RankOptions>([])
}

/// The schema's `PackOptions`.
public struct PackOptions: FlatTable {
  public var valuesCount: Int32 = 0
  public var axis: Int32 = 0
  public var unknownFields: [Int] = []

  public init() {}
  public init(valuesCount: Int32 = 0, axis: Int32 = 0) {
    self.valuesCount = valuesCount
    self.axis = axis
  }

  public static let tableName = "PackOptions"
  public static let table = FlatFieldTable<PackOptions>(rows)
  private static let rows: [FlatField<PackOptions>] = [
    .scalar(0, "values_count", \.valuesCount, 0),
    .scalar(1, "axis", \.axis, 0),
  ]
}

/// The schema's `UnpackOptions`.
public struct UnpackOptions: FlatTable {
  public var num: Int32 = 0
  public var axis: Int32 = 0
  public var unknownFields: [Int] = []

  public init() {}
  public init(num: Int32 = 0, axis: Int32 = 0) {
    self.num = num
    self.axis = axis
  }

  public static let tableName = "UnpackOptions"
  public static let table = FlatFieldTable<UnpackOptions>(rows)
  private static let rows: [FlatField<UnpackOptions>] = [
    .scalar(0, "num", \.num, 0),
    .scalar(1, "axis", \.axis, 0),
  ]
}

/// The schema's `ZerosLikeOptions`.
public struct ZerosLikeOptions: FlatTable {
  public var unknownFields: [Int] = []

  public init() {}

  public static let tableName = "ZerosLikeOptions"
  public static let table = FlatFieldTable<ZerosLikeOptions>([])
}

/// The schema's `FillOptions`.
public struct FillOptions: FlatTable {
  public var unknownFields: [Int] = []

  public init() {}

  public static let tableName = "FillOptions"
  public static let table = FlatFieldTable<FillOptions>([])
}

/// The schema's `RangeOptions`.
public struct RangeOptions: FlatTable {
  public var unknownFields: [Int] = []

  public init() {}

  public static let tableName = "RangeOptions"
  public static let table = FlatFieldTable<RangeOptions>([])
}

/// The schema's `BroadcastToOptions`.
public struct BroadcastToOptions: FlatTable {
  public var unknownFields: [Int] = []

  public init() {}

  public static let tableName = "BroadcastToOptions"
  public static let table = FlatFieldTable<BroadcastToOptions>([])
}
