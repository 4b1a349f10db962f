// Written by formats/tflite/generate_wire.py from formats/tflite/schema.fbs.

import FlatBufferWire

/// The schema's `CustomQuantization`.
public struct CustomQuantization: FlatTable {
  public var custom: FlatBytes? = nil
  public var unknownFields: [Int] = []

  public init() {}
  public init(custom: FlatBytes? = nil) {
    self.custom = custom
  }

  public static let tableName = "CustomQuantization"
  public static let table = FlatFieldTable<CustomQuantization>(rows)
  private static let rows: [FlatField<CustomQuantization>] = [
    .bytes(0, "custom", \.custom, alignment: 16)
  ]
}

/// The schema's `BlockwiseQuantization`.
public struct BlockwiseQuantization: FlatTable {
  public var scales: Int32 = 0
  public var zeroPoints: Int32 = 0
  public var blockSize: Int32 = 0
  public var unknownFields: [Int] = []

  public init() {}
  public init(scales: Int32 = 0, zeroPoints: Int32 = 0, blockSize: Int32 = 0) {
    self.scales = scales
    self.zeroPoints = zeroPoints
    self.blockSize = blockSize
  }

  public static let tableName = "BlockwiseQuantization"
  public static let table = FlatFieldTable<BlockwiseQuantization>(rows)
  private static let rows: [FlatField<BlockwiseQuantization>] = [
    .scalar(0, "scales", \.scales, 0),
    .scalar(1, "zero_points", \.zeroPoints, 0),
    .scalar(2, "block_size", \.blockSize, 0),
  ]
}

/// The schema's `MultiAxisQuantization`.
public struct MultiAxisQuantization: FlatTable {
  public var scales: Int32 = 0
  public var zeroPoints: Int32 = 0
  public var blockSize: Int32 = 0
  public var quantizedDimensions: [Int32]? = nil
  public var unknownFields: [Int] = []

  public init() {}
  public init(scales: Int32 = 0, zeroPoints: Int32 = 0, blockSize: Int32 = 0, quantizedDimensions: [Int32]? = nil) {
    self.scales = scales
    self.zeroPoints = zeroPoints
    self.blockSize = blockSize
    self.quantizedDimensions = quantizedDimensions
  }

  public static let tableName = "MultiAxisQuantization"
  public static let table = FlatFieldTable<MultiAxisQuantization>(rows)
  private static let rows: [FlatField<MultiAxisQuantization>] = [
    .scalar(0, "scales", \.scales, 0),
    .scalar(1, "zero_points", \.zeroPoints, 0),
    .scalar(2, "block_size", \.blockSize, 0),
    .scalars(3, "quantized_dimensions", \.quantizedDimensions),
  ]
}

/// The schema's `QuantizationParameters`.
public struct QuantizationParameters: FlatTable {
  public var min: [Float]? = nil
  public var max: [Float]? = nil
  public var scale: [Float]? = nil
  public var zeroPoint: [Int64]? = nil
  public var details: QuantizationDetails = .none
  public var quantizedDimension: Int32 = 0
  public var unknownFields: [Int] = []

  public init() {}
  public init(
    min: [Float]? = nil, max: [Float]? = nil, scale: [Float]? = nil, zeroPoint: [Int64]? = nil,
    details: QuantizationDetails = .none, quantizedDimension: Int32 = 0
  ) {
    self.min = min
    self.max = max
    self.scale = scale
    self.zeroPoint = zeroPoint
    self.details = details
    self.quantizedDimension = quantizedDimension
  }

  public static let tableName = "QuantizationParameters"
  public static let table = FlatFieldTable<QuantizationParameters>(rows)
  private static let rows: [FlatField<QuantizationParameters>] = [
    .scalars(0, "min", \.min),
    .scalars(1, "max", \.max),
    .scalars(2, "scale", \.scale),
    .scalars(3, "zero_point", \.zeroPoint),
    .union(5, "details", \.details),
    .scalar(6, "quantized_dimension", \.quantizedDimension, 0),
  ]
}

/// The schema's `DequantizeOptions`.
public struct DequantizeOptions: FlatTable {
  public var unknownFields: [Int] = []

  public init() {}

  public static let tableName = "DequantizeOptions"
  public static let table = FlatFieldTable<DequantizeOptions>([])
}

/// The schema's `FakeQuantOptions`.
public struct FakeQuantOptions: FlatTable {
  public var min: Float = 0
  public var max: Float = 0
  public var numBits: Int32 = 0
  public var narrowRange: Bool = false
  public var unknownFields: [Int] = []

  public init() {}
  public init(min: Float = 0, max: Float = 0, numBits: Int32 = 0, narrowRange: Bool = false) {
    self.min = min
    self.max = max
    self.numBits = numBits
    self.narrowRange = narrowRange
  }

  public static let tableName = "FakeQuantOptions"
  public static let table = FlatFieldTable<FakeQuantOptions>(rows)
  private static let rows: [FlatField<FakeQuantOptions>] = [
    .scalar(0, "min", \.min, 0),
    .scalar(1, "max", \.max, 0),
    .scalar(2, "num_bits", \.numBits, 0),
    .scalar(3, "narrow_range", \.narrowRange, false),
  ]
}

/// The schema's `QuantizeOptions`.
public struct QuantizeOptions: FlatTable {
  public var unknownFields: [Int] = []

  public init() {}

  public static let tableName = "QuantizeOptions"
  public static let table = FlatFieldTable<QuantizeOptions>([])
}

/// The schema's `DensifyOptions`.
public struct DensifyOptions: FlatTable {
  public var unknownFields: [Int] = []

  public init() {}

  public static let tableName = "DensifyOptions"
  public static let table = FlatFieldTable<DensifyOptions>([])
}
