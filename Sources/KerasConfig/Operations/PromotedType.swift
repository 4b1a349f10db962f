import ModelTensor

/// Keras's dtype promotion (`keras.backend.result_type`): the least type above all of them in JAX's
/// lattice. Python's numbers are weak: they give way to any tensor's dtype of their kind.
enum PromotedType: Hashable {
  case dtype(DType)
  case weakInt, weakFloat

  /// What stands directly above each type.
  private var above: [PromotedType] {
    switch self {
    case .dtype(.bool): [.weakInt]
    case .weakInt: [.dtype(.uint8), .dtype(.int8)]
    case .dtype(.uint8): [.dtype(.int16), .dtype(.uint16)]
    case .dtype(.uint16): [.dtype(.int32), .dtype(.uint32)]
    case .dtype(.uint32): [.dtype(.int64), .dtype(.uint64)]
    case .dtype(.int8): [.dtype(.int16)]
    case .dtype(.int16): [.dtype(.int32)]
    case .dtype(.int32): [.dtype(.int64)]
    case .dtype(.int64), .dtype(.uint64): [.weakFloat]
    case .weakFloat: [.dtype(.bfloat16), .dtype(.float16)]
    case .dtype(.bfloat16), .dtype(.float16): [.dtype(.float32)]
    case .dtype(.float32): [.dtype(.float64)]
    default: []
    }
  }
  private var upperBounds: Set<PromotedType> {
    above.reduce(into: [self]) { $0.formUnion($1.upperBounds) }
  }

  /// The result type; `nil` when there is none (strings, complex numbers).
  static func result(_ types: [PromotedType]) -> DType? {
    guard let first = types.first else { return .float32 }
    // Keras takes 64 bits without a sign for 32.
    if types.allSatisfy({ $0 == first }), case .dtype(let dtype) = first { return dtype == .uint64 ? .uint32 : dtype }
    let common = types.dropFirst().reduce(first.upperBounds) { $0.intersection($1.upperBounds) }
    guard let least = common.first(where: { common.isSubset(of: $0.upperBounds) }) else { return nil }
    switch least {
    case .dtype(let dtype): return dtype == .uint64 ? .uint32 : dtype
    case .weakInt: return .int32
    case .weakFloat: return .float32
    }
  }
  static func result(_ dtypes: DType...) -> DType? { result(dtypes.map { .dtype($0) }) }
}

extension DType {
  /// Keras's float for functions that integers have no result in: the dtype itself if it is one, else
  /// float32.
  var kerasFloat: DType { isFloatingPoint ? self : .float32 }
  /// Whether Keras computes with it.
  var isKeras: Bool {
    switch self {
    case .bool, .int8, .uint8, .int16, .uint16, .int32, .uint32, .int64, .uint64, .float16, .bfloat16, .float32, .float64: true
    default: false
    }
  }
}
