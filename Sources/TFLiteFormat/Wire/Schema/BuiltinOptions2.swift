// Written by formats/tflite/generate_wire.py from formats/tflite/schema.fbs.

import FlatBufferWire

/// The schema's `BuiltinOptions2`.
public indirect enum BuiltinOptions2: FlatUnion {
  case none
  case stablehloConcatenateOptions(StablehloConcatenateOptions)
  case stablehloBroadcastInDimOptions(StablehloBroadcastInDimOptions)
  case stablehloSliceOptions(StablehloSliceOptions)
  case stablehloConvolutionOptions(StablehloConvolutionOptions)
  case stablehloCustomCallOptions(StablehloCustomCallOptions)
  case stablehloReduceOptions(StablehloReduceOptions)
  case stablehloScatterOptions(StablehloScatterOptions)
  case stablehloCompareOptions(StablehloCompareOptions)
  case stablehloDynamicSliceOptions(StablehloDynamicSliceOptions)
  case stablehloPadOptions(StablehloPadOptions)
  case stablehloIotaOptions(StablehloIotaOptions)
  case stablehloDotGeneralOptions(StablehloDotGeneralOptions)
  case stablehloReduceWindowOptions(StablehloReduceWindowOptions)
  case stablehloSortOptions(StablehloSortOptions)
  case stablehloWhileOptions(StablehloWhileOptions)
  case stablehloGatherOptions(StablehloGatherOptions)
  case stablehloTransposeOptions(StablehloTransposeOptions)
  case dilateOptions(DilateOptions)
  case stablehloRngBitGeneratorOptions(StablehloRngBitGeneratorOptions)
  case reduceWindowOptions(ReduceWindowOptions)
  case stableHLOCompositeOptions(StableHLOCompositeOptions)
  case stablehloShiftLeftOptions(StablehloShiftLeftOptions)
  case stablehloCaseOptions(StablehloCaseOptions)
  /// A table the schema does not name; its contents can't be told.
  case unknown(type: UInt8)

  public static func read(_ type: UInt8, at position: Int, _ reader: inout FlatReader) throws -> Self {
    switch type {
    case 0: .none
    case 1: .stablehloConcatenateOptions(try reader.table(at: position))
    case 2: .stablehloBroadcastInDimOptions(try reader.table(at: position))
    case 3: .stablehloSliceOptions(try reader.table(at: position))
    case 4: .stablehloConvolutionOptions(try reader.table(at: position))
    case 5: .stablehloCustomCallOptions(try reader.table(at: position))
    case 6: .stablehloReduceOptions(try reader.table(at: position))
    case 7: .stablehloScatterOptions(try reader.table(at: position))
    case 8: .stablehloCompareOptions(try reader.table(at: position))
    case 9: .stablehloDynamicSliceOptions(try reader.table(at: position))
    case 10: .stablehloPadOptions(try reader.table(at: position))
    case 11: .stablehloIotaOptions(try reader.table(at: position))
    case 12: .stablehloDotGeneralOptions(try reader.table(at: position))
    case 13: .stablehloReduceWindowOptions(try reader.table(at: position))
    case 14: .stablehloSortOptions(try reader.table(at: position))
    case 15: .stablehloWhileOptions(try reader.table(at: position))
    case 16: .stablehloGatherOptions(try reader.table(at: position))
    case 17: .stablehloTransposeOptions(try reader.table(at: position))
    case 18: .dilateOptions(try reader.table(at: position))
    case 19: .stablehloRngBitGeneratorOptions(try reader.table(at: position))
    case 20: .reduceWindowOptions(try reader.table(at: position))
    case 21: .stableHLOCompositeOptions(try reader.table(at: position))
    case 22: .stablehloShiftLeftOptions(try reader.table(at: position))
    case 23: .stablehloCaseOptions(try reader.table(at: position))
    default: .unknown(type: type)
    }
  }

  public var type: UInt8 {
    switch self {
    case .none: 0
    case .stablehloConcatenateOptions: 1
    case .stablehloBroadcastInDimOptions: 2
    case .stablehloSliceOptions: 3
    case .stablehloConvolutionOptions: 4
    case .stablehloCustomCallOptions: 5
    case .stablehloReduceOptions: 6
    case .stablehloScatterOptions: 7
    case .stablehloCompareOptions: 8
    case .stablehloDynamicSliceOptions: 9
    case .stablehloPadOptions: 10
    case .stablehloIotaOptions: 11
    case .stablehloDotGeneralOptions: 12
    case .stablehloReduceWindowOptions: 13
    case .stablehloSortOptions: 14
    case .stablehloWhileOptions: 15
    case .stablehloGatherOptions: 16
    case .stablehloTransposeOptions: 17
    case .dilateOptions: 18
    case .stablehloRngBitGeneratorOptions: 19
    case .reduceWindowOptions: 20
    case .stableHLOCompositeOptions: 21
    case .stablehloShiftLeftOptions: 22
    case .stablehloCaseOptions: 23
    case .unknown(let type): type
    }
  }

  public var content: (any FlatTable)? {
    switch self {
    case .none, .unknown: nil
    case .stablehloConcatenateOptions(let table): table
    case .stablehloBroadcastInDimOptions(let table): table
    case .stablehloSliceOptions(let table): table
    case .stablehloConvolutionOptions(let table): table
    case .stablehloCustomCallOptions(let table): table
    case .stablehloReduceOptions(let table): table
    case .stablehloScatterOptions(let table): table
    case .stablehloCompareOptions(let table): table
    case .stablehloDynamicSliceOptions(let table): table
    case .stablehloPadOptions(let table): table
    case .stablehloIotaOptions(let table): table
    case .stablehloDotGeneralOptions(let table): table
    case .stablehloReduceWindowOptions(let table): table
    case .stablehloSortOptions(let table): table
    case .stablehloWhileOptions(let table): table
    case .stablehloGatherOptions(let table): table
    case .stablehloTransposeOptions(let table): table
    case .dilateOptions(let table): table
    case .stablehloRngBitGeneratorOptions(let table): table
    case .reduceWindowOptions(let table): table
    case .stableHLOCompositeOptions(let table): table
    case .stablehloShiftLeftOptions(let table): table
    case .stablehloCaseOptions(let table): table
    }
  }
}
