// Written by formats/tflite/generate_wire.py from formats/tflite/schema.fbs.

import FlatBufferWire

/// The schema's `TensorType`.
public struct TFLiteTensorType: FlatEnumeration {
  public let rawValue: Int8
  public init(rawValue: Int8) { self.rawValue = rawValue }

  public static let float32 = TFLiteTensorType(rawValue: 0)
  public static let float16 = TFLiteTensorType(rawValue: 1)
  public static let int32 = TFLiteTensorType(rawValue: 2)
  public static let uint8 = TFLiteTensorType(rawValue: 3)
  public static let int64 = TFLiteTensorType(rawValue: 4)
  public static let string = TFLiteTensorType(rawValue: 5)
  public static let bool = TFLiteTensorType(rawValue: 6)
  public static let int16 = TFLiteTensorType(rawValue: 7)
  public static let complex64 = TFLiteTensorType(rawValue: 8)
  public static let int8 = TFLiteTensorType(rawValue: 9)
  public static let float64 = TFLiteTensorType(rawValue: 10)
  public static let complex128 = TFLiteTensorType(rawValue: 11)
  public static let uint64 = TFLiteTensorType(rawValue: 12)
  public static let resource = TFLiteTensorType(rawValue: 13)
  public static let variant = TFLiteTensorType(rawValue: 14)
  public static let uint32 = TFLiteTensorType(rawValue: 15)
  public static let uint16 = TFLiteTensorType(rawValue: 16)
  public static let int4 = TFLiteTensorType(rawValue: 17)
  public static let bfloat16 = TFLiteTensorType(rawValue: 18)
  public static let int2 = TFLiteTensorType(rawValue: 19)
  public static let uint4 = TFLiteTensorType(rawValue: 20)
  public static let float8E4m3fn = TFLiteTensorType(rawValue: 21)
  public static let float8E5m2 = TFLiteTensorType(rawValue: 22)

  public static let names: [String] = [
    "FLOAT32", "FLOAT16", "INT32", "UINT8", "INT64", "STRING", "BOOL", "INT16", "COMPLEX64", "INT8", "FLOAT64", "COMPLEX128",
    "UINT64", "RESOURCE", "VARIANT", "UINT32", "UINT16", "INT4", "BFLOAT16", "INT2", "UINT4", "FLOAT8_E4M3FN", "FLOAT8_E5M2",
  ]
}

/// The schema's `DimensionType`.
public struct DimensionType: FlatEnumeration {
  public let rawValue: Int8
  public init(rawValue: Int8) { self.rawValue = rawValue }

  public static let dense = DimensionType(rawValue: 0)
  public static let sparseCsr = DimensionType(rawValue: 1)

  public static let names: [String] = ["DENSE", "SPARSE_CSR"]
}

/// The schema's `StablehloPrecisionConfig`.
public struct StablehloPrecisionConfig: FlatEnumeration {
  public let rawValue: UInt32
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  public static let `default` = StablehloPrecisionConfig(rawValue: 0)
  public static let high = StablehloPrecisionConfig(rawValue: 1)
  public static let highest = StablehloPrecisionConfig(rawValue: 2)

  public static let names: [String] = ["DEFAULT", "HIGH", "HIGHEST"]
}

/// The schema's `StablehloComparisonDirection`.
public struct StablehloComparisonDirection: FlatEnumeration {
  public let rawValue: UInt32
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  public static let stablehloComparisonDirectionEq = StablehloComparisonDirection(rawValue: 0)
  public static let stablehloComparisonDirectionNe = StablehloComparisonDirection(rawValue: 1)
  public static let stablehloComparisonDirectionGe = StablehloComparisonDirection(rawValue: 2)
  public static let stablehloComparisonDirectionGt = StablehloComparisonDirection(rawValue: 3)
  public static let stablehloComparisonDirectionLe = StablehloComparisonDirection(rawValue: 4)
  public static let stablehloComparisonDirectionLt = StablehloComparisonDirection(rawValue: 5)

  public static let names: [String] = [
    "STABLEHLO_COMPARISON_DIRECTION_EQ", "STABLEHLO_COMPARISON_DIRECTION_NE", "STABLEHLO_COMPARISON_DIRECTION_GE",
    "STABLEHLO_COMPARISON_DIRECTION_GT", "STABLEHLO_COMPARISON_DIRECTION_LE", "STABLEHLO_COMPARISON_DIRECTION_LT",
  ]
}

/// The schema's `StablehloComparisonType`.
public struct StablehloComparisonType: FlatEnumeration {
  public let rawValue: UInt32
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  public static let stablehloComparisonTypeNotype = StablehloComparisonType(rawValue: 0)
  public static let stablehloComparisonTypeFloat = StablehloComparisonType(rawValue: 1)
  public static let stablehloComparisonTypeFloatTotalOrder = StablehloComparisonType(rawValue: 2)
  public static let stablehloComparisonTypeSigned = StablehloComparisonType(rawValue: 3)
  public static let stablehloComparisonTypeUnsigned = StablehloComparisonType(rawValue: 4)

  public static let names: [String] = [
    "STABLEHLO_COMPARISON_TYPE_NOTYPE", "STABLEHLO_COMPARISON_TYPE_FLOAT", "STABLEHLO_COMPARISON_TYPE_FLOAT_TOTAL_ORDER",
    "STABLEHLO_COMPARISON_TYPE_SIGNED", "STABLEHLO_COMPARISON_TYPE_UNSIGNED",
  ]
}

/// The schema's `RngAlgorithm`.
public struct RngAlgorithm: FlatEnumeration {
  public let rawValue: Int8
  public init(rawValue: Int8) { self.rawValue = rawValue }

  public static let `default` = RngAlgorithm(rawValue: 0)
  public static let philox = RngAlgorithm(rawValue: 1)
  public static let threefry = RngAlgorithm(rawValue: 2)

  public static let names: [String] = ["DEFAULT", "PHILOX", "THREEFRY"]
}

/// The schema's `Padding`.
public struct TFLitePadding: FlatEnumeration {
  public let rawValue: Int8
  public init(rawValue: Int8) { self.rawValue = rawValue }

  public static let same = TFLitePadding(rawValue: 0)
  public static let valid = TFLitePadding(rawValue: 1)

  public static let names: [String] = ["SAME", "VALID"]
}

/// The schema's `ActivationFunctionType`.
public struct ActivationFunctionType: FlatEnumeration {
  public let rawValue: Int8
  public init(rawValue: Int8) { self.rawValue = rawValue }

  public static let none = ActivationFunctionType(rawValue: 0)
  public static let relu = ActivationFunctionType(rawValue: 1)
  public static let reluN1To1 = ActivationFunctionType(rawValue: 2)
  public static let relu6 = ActivationFunctionType(rawValue: 3)
  public static let tanh = ActivationFunctionType(rawValue: 4)
  public static let signBit = ActivationFunctionType(rawValue: 5)

  public static let names: [String] = ["NONE", "RELU", "RELU_N1_TO_1", "RELU6", "TANH", "SIGN_BIT"]
}

/// The schema's `LSHProjectionType`.
public struct LSHProjectionType: FlatEnumeration {
  public let rawValue: Int8
  public init(rawValue: Int8) { self.rawValue = rawValue }

  public static let unknown = LSHProjectionType(rawValue: 0)
  public static let sparse = LSHProjectionType(rawValue: 1)
  public static let dense = LSHProjectionType(rawValue: 2)

  public static let names: [String] = ["UNKNOWN", "SPARSE", "DENSE"]
}

/// The schema's `FullyConnectedOptionsWeightsFormat`.
public struct FullyConnectedOptionsWeightsFormat: FlatEnumeration {
  public let rawValue: Int8
  public init(rawValue: Int8) { self.rawValue = rawValue }

  public static let `default` = FullyConnectedOptionsWeightsFormat(rawValue: 0)
  public static let shuffled4x16int8 = FullyConnectedOptionsWeightsFormat(rawValue: 1)

  public static let names: [String] = ["DEFAULT", "SHUFFLED4x16INT8"]
}

/// The schema's `LSTMKernelType`.
public struct LSTMKernelType: FlatEnumeration {
  public let rawValue: Int8
  public init(rawValue: Int8) { self.rawValue = rawValue }

  public static let full = LSTMKernelType(rawValue: 0)
  public static let basic = LSTMKernelType(rawValue: 1)

  public static let names: [String] = ["FULL", "BASIC"]
}

/// The schema's `CombinerType`.
public struct CombinerType: FlatEnumeration {
  public let rawValue: Int8
  public init(rawValue: Int8) { self.rawValue = rawValue }

  public static let sum = CombinerType(rawValue: 0)
  public static let mean = CombinerType(rawValue: 1)
  public static let sqrtn = CombinerType(rawValue: 2)

  public static let names: [String] = ["SUM", "MEAN", "SQRTN"]
}

/// The schema's `MirrorPadMode`.
public struct MirrorPadMode: FlatEnumeration {
  public let rawValue: Int8
  public init(rawValue: Int8) { self.rawValue = rawValue }

  public static let reflect = MirrorPadMode(rawValue: 0)
  public static let symmetric = MirrorPadMode(rawValue: 1)

  public static let names: [String] = ["REFLECT", "SYMMETRIC"]
}

/// The schema's `ReduceWindowFunction`.
public struct ReduceWindowFunction: FlatEnumeration {
  public let rawValue: Int32
  public init(rawValue: Int32) { self.rawValue = rawValue }

  public static let unsupported = ReduceWindowFunction(rawValue: 0)
  public static let add = ReduceWindowFunction(rawValue: 1)
  public static let mul = ReduceWindowFunction(rawValue: 2)
  public static let minimum = ReduceWindowFunction(rawValue: 3)
  public static let maximum = ReduceWindowFunction(rawValue: 4)
  public static let all = ReduceWindowFunction(rawValue: 5)
  public static let any = ReduceWindowFunction(rawValue: 6)

  public static let names: [String] = ["UNSUPPORTED", "ADD", "MUL", "MINIMUM", "MAXIMUM", "ALL", "ANY"]
}

/// The schema's `CustomOptionsFormat`.
public struct CustomOptionsFormat: FlatEnumeration {
  public let rawValue: Int8
  public init(rawValue: Int8) { self.rawValue = rawValue }

  public static let flexbuffers = CustomOptionsFormat(rawValue: 0)

  public static let names: [String] = ["FLEXBUFFERS"]
}
