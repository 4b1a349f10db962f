/// The type of one tensor element, as stored. Every dtype of the six formats is here.
public enum DType: String, Sendable, CaseIterable, Hashable, CustomStringConvertible {
  case bool
  case int2, uint2, int4, uint4, int8, uint8, int16, uint16, int32, uint32, int64, uint64
  case float4e2m1, float8e4m3fn, float8e4m3fnuz, float8e5m2, float8e5m2fnuz, float8e8m0fnu
  case float16, bfloat16, float32, float64
  case complex64, complex128
  case string
  /// A handle to state (TensorFlow's `DT_RESOURCE`).
  case resource
  /// TensorFlow's `DT_VARIANT`: a tensor list, an optional, a sequence.
  case variant

  /// The number of bits one element occupies, or `nil` for elements without a fixed size.
  public var bitWidth: Int? {
    switch self {
    case .int2, .uint2: 2
    case .int4, .uint4, .float4e2m1: 4
    case .bool, .int8, .uint8, .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz,
      .float8e8m0fnu:
      8
    case .int16, .uint16, .float16, .bfloat16: 16
    case .int32, .uint32, .float32: 32
    case .int64, .uint64, .float64, .complex64: 64
    case .complex128: 128
    case .string, .resource, .variant: nil
    }
  }

  /// The bytes one element takes in an `NDArray`: packed types take one byte each there.
  public var arrayStride: Int? { bitWidth.map { max(1, $0 / 8) } }

  /// The bytes `count` elements occupy in a file, packed; `nil` for strings or when it overflows.
  public func byteCount(of count: Int) -> Int? {
    guard let bitWidth else { return nil }
    let (bits, overflow) = count.multipliedReportingOverflow(by: bitWidth)
    guard !overflow, bits >= 0, bits <= Int.max - 7 else { return nil }
    return (bits + 7) / 8
  }

  public var isFloatingPoint: Bool {
    switch self {
    case .float4e2m1, .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float8e8m0fnu,
      .float16, .bfloat16, .float32, .float64:
      true
    default: false
    }
  }
  public var isInteger: Bool { isSignedInteger || isUnsignedInteger }
  public var isSignedInteger: Bool {
    switch self {
    case .int2, .int4, .int8, .int16, .int32, .int64: true
    default: false
    }
  }
  public var isUnsignedInteger: Bool {
    switch self {
    case .uint2, .uint4, .uint8, .uint16, .uint32, .uint64: true
    default: false
    }
  }
  public var description: String { rawValue }
}
