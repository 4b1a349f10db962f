import ModelTensor

extension TensorProto.DataType {
  /// The element types in the order of their numbers, from 1.
  private static let dtypes: [DType] = [
    .float32, .uint8, .int8, .uint16, .int16, .int32, .int64, .string, .bool, .float16, .float64, .uint32,
    .uint64, .complex64, .complex128, .bfloat16, .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz,
    .uint4, .int4, .float4e2m1, .float8e8m0fnu, .uint2, .int2,
  ]
  private static let numbers = Dictionary(
    uniqueKeysWithValues: dtypes.enumerated().map { ($1, Int32($0 + 1)) })

  /// The element type, or `nil` for 0 and for numbers of later versions.
  public var dtype: DType? {
    rawValue >= 1 && rawValue <= Self.dtypes.count ? Self.dtypes[Int(rawValue) - 1] : nil
  }

  /// `nil` for the types ONNX does not have.
  public init?(_ dtype: DType) {
    guard let number = Self.numbers[dtype] else { return nil }
    self.init(rawValue: number)
  }
}
