import ModelTensor

/// Which of the file's types stands for a dtype when writing.
enum TFLiteDTypes {
  /// `nil` for a dtype that TFLite does not have.
  static func wire(_ dtype: DType) -> TFLiteTensorType? {
    switch dtype {
    case .bool: .bool
    case .int4: .int4
    case .uint4: .uint4
    case .int2: .int2
    case .int8: .int8
    case .uint8: .uint8
    case .int16: .int16
    case .uint16: .uint16
    case .int32: .int32
    case .uint32: .uint32
    case .int64: .int64
    case .uint64: .uint64
    case .float16: .float16
    case .bfloat16: .bfloat16
    case .float32: .float32
    case .float64: .float64
    case .complex64: .complex64
    case .complex128: .complex128
    case .string: .string
    default: nil
    }
  }
}
