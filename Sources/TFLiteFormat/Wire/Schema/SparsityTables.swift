// Written by formats/tflite/generate_wire.py from formats/tflite/schema.fbs.

import FlatBufferWire

/// The schema's `Int32Vector`.
public struct Int32Vector: FlatTable {
  public var values: [Int32]? = nil
  public var unknownFields: [Int] = []

  public init() {}
  public init(values: [Int32]? = nil) {
    self.values = values
  }

  public static let tableName = "Int32Vector"
  public static let table = FlatFieldTable<Int32Vector>(rows)
  private static let rows: [FlatField<Int32Vector>] = [
    .scalars(0, "values", \.values)
  ]
}

/// The schema's `Uint16Vector`.
public struct Uint16Vector: FlatTable {
  public var values: [UInt16]? = nil
  public var unknownFields: [Int] = []

  public init() {}
  public init(values: [UInt16]? = nil) {
    self.values = values
  }

  public static let tableName = "Uint16Vector"
  public static let table = FlatFieldTable<Uint16Vector>(rows)
  private static let rows: [FlatField<Uint16Vector>] = [
    .scalars(0, "values", \.values)
  ]
}

/// The schema's `Uint8Vector`.
public struct Uint8Vector: FlatTable {
  public var values: FlatBytes? = nil
  public var unknownFields: [Int] = []

  public init() {}
  public init(values: FlatBytes? = nil) {
    self.values = values
  }

  public static let tableName = "Uint8Vector"
  public static let table = FlatFieldTable<Uint8Vector>(rows)
  private static let rows: [FlatField<Uint8Vector>] = [
    .bytes(0, "values", \.values)
  ]
}

/// The schema's `DimensionMetadata`.
public struct DimensionMetadata: FlatTable {
  public var format: DimensionType = .dense
  public var denseSize: Int32 = 0
  public var arraySegments: SparseIndexVector = .none
  public var arrayIndices: SparseIndexVector = .none
  public var unknownFields: [Int] = []

  public init() {}
  public init(
    format: DimensionType = .dense, denseSize: Int32 = 0, arraySegments: SparseIndexVector = .none,
    arrayIndices: SparseIndexVector = .none
  ) {
    self.format = format
    self.denseSize = denseSize
    self.arraySegments = arraySegments
    self.arrayIndices = arrayIndices
  }

  public static let tableName = "DimensionMetadata"
  public static let table = FlatFieldTable<DimensionMetadata>(rows)
  private static let rows: [FlatField<DimensionMetadata>] = [
    .scalar(0, "format", \.format, .dense),
    .scalar(1, "dense_size", \.denseSize, 0),
    .union(3, "array_segments", \.arraySegments),
    .union(5, "array_indices", \.arrayIndices),
  ]
}

/// The schema's `SparsityParameters`.
public struct SparsityParameters: FlatTable {
  public var traversalOrder: [Int32]? = nil
  public var blockMap: [Int32]? = nil
  public var dimMetadata: [DimensionMetadata]? = nil
  public var unknownFields: [Int] = []

  public init() {}
  public init(traversalOrder: [Int32]? = nil, blockMap: [Int32]? = nil, dimMetadata: [DimensionMetadata]? = nil) {
    self.traversalOrder = traversalOrder
    self.blockMap = blockMap
    self.dimMetadata = dimMetadata
  }

  public static let tableName = "SparsityParameters"
  public static let table = FlatFieldTable<SparsityParameters>(rows)
  private static let rows: [FlatField<SparsityParameters>] = [
    .scalars(0, "traversal_order", \.traversalOrder),
    .scalars(1, "block_map", \.blockMap),
    .tables(2, "dim_metadata", \.dimMetadata),
  ]
}
