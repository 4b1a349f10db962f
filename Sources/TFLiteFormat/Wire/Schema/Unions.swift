// Written by formats/tflite/generate_wire.py from formats/tflite/schema.fbs.

import FlatBufferWire

/// The schema's `QuantizationDetails`.
public indirect enum QuantizationDetails: FlatUnion {
  case none
  case customQuantization(CustomQuantization)
  case blockwiseQuantization(BlockwiseQuantization)
  case multiAxisQuantization(MultiAxisQuantization)
  /// A table the schema does not name; its contents can't be told.
  case unknown(type: UInt8)

  public static func read(_ type: UInt8, at position: Int, _ reader: inout FlatReader) throws -> Self {
    switch type {
    case 0: .none
    case 1: .customQuantization(try reader.table(at: position))
    case 2: .blockwiseQuantization(try reader.table(at: position))
    case 3: .multiAxisQuantization(try reader.table(at: position))
    default: .unknown(type: type)
    }
  }

  public var type: UInt8 {
    switch self {
    case .none: 0
    case .customQuantization: 1
    case .blockwiseQuantization: 2
    case .multiAxisQuantization: 3
    case .unknown(let type): type
    }
  }

  public var content: (any FlatTable)? {
    switch self {
    case .none, .unknown: nil
    case .customQuantization(let table): table
    case .blockwiseQuantization(let table): table
    case .multiAxisQuantization(let table): table
    }
  }
}

/// The schema's `SparseIndexVector`.
public indirect enum SparseIndexVector: FlatUnion {
  case none
  case int32Vector(Int32Vector)
  case uint16Vector(Uint16Vector)
  case uint8Vector(Uint8Vector)
  /// A table the schema does not name; its contents can't be told.
  case unknown(type: UInt8)

  public static func read(_ type: UInt8, at position: Int, _ reader: inout FlatReader) throws -> Self {
    switch type {
    case 0: .none
    case 1: .int32Vector(try reader.table(at: position))
    case 2: .uint16Vector(try reader.table(at: position))
    case 3: .uint8Vector(try reader.table(at: position))
    default: .unknown(type: type)
    }
  }

  public var type: UInt8 {
    switch self {
    case .none: 0
    case .int32Vector: 1
    case .uint16Vector: 2
    case .uint8Vector: 3
    case .unknown(let type): type
    }
  }

  public var content: (any FlatTable)? {
    switch self {
    case .none, .unknown: nil
    case .int32Vector(let table): table
    case .uint16Vector(let table): table
    case .uint8Vector(let table): table
    }
  }
}
