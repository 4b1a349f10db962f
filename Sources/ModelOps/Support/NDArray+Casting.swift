import ModelGraph
import ModelTensor

extension NDArray {
  /// The elements in another numeric dtype: floats become integers by truncation (saturating at the
  /// ends, NaN as 0), integers wrap, anything becomes `true` unless it is zero.
  ///
  /// - Throws: `ExecutionError` for strings, handles, and from complex numbers.
  public func cast(to target: DType, saturate: Bool = true, in context: ExecutionContext) throws -> NDArray {
    if target == dtype { return self }
    let result = try context.allocate(target, shape)
    guard count > Self.castLength else {
      try convert(into: result, saturate: saturate)
      return result
    }
    // What numbers go through is wider than they are: a few at a time.
    for (part, target) in zip(runs(of: Self.castLength), result.runs(of: Self.castLength)) {
      try part.convert(into: target, saturate: saturate)
    }
    return result
  }

  private static var castLength: Int { 1 << 16 }

  private func convert(into result: NDArray, saturate: Bool) throws {
    let target = result.dtype
    switch dtype {
    case .float32 where target == .float16:
      with(Float.self) { x in result.withMutable(Float16.self) { y in for i in 0..<x.count { y[i] = Float16(x[i]) } } }
    case .float16 where target == .float32:
      with(Float16.self) { x in result.withMutable(Float.self) { y in for i in 0..<x.count { y[i] = Float(x[i]) } } }
    // What training casts in every step.
    case .bool where target == .float32:
      with(UInt8.self) { x in result.withMutable(Float.self) { y in for i in 0..<x.count { y[i] = x[i] == 0 ? 0 : 1 } } }
    case .bool where target == .int32:
      with(UInt8.self) { x in result.withMutable(Int32.self) { y in for i in 0..<x.count { y[i] = x[i] == 0 ? 0 : 1 } } }
    case .bool where target == .int64:
      with(UInt8.self) { x in result.withMutable(Int64.self) { y in for i in 0..<x.count { y[i] = x[i] == 0 ? 0 : 1 } } }
    case .float32 where target == .int64:
      with(Float.self) { x in result.withMutable(Int64.self) { y in for i in 0..<x.count { y[i] = Int64(truncatingDouble: Double(x[i])) } }
      }
    case .float32 where target == .int32:
      with(Float.self) { x in result.withMutable(Int32.self) { y in for i in 0..<x.count { y[i] = Int32(truncatingDouble: Double(x[i])) } }
      }
    case .float32 where target == .float64:
      with(Float.self) { x in result.withMutable(Double.self) { y in for i in 0..<x.count { y[i] = Double(x[i]) } } }
    case .float64 where target == .float32:
      with(Double.self) { x in result.withMutable(Float.self) { y in for i in 0..<x.count { y[i] = Float(x[i]) } } }
    case .float32, .float16, .bfloat16, .float64, .float4e2m1, .float8e4m3fn, .float8e4m3fnuz, .float8e5m2,
      .float8e5m2fnuz, .float8e8m0fnu:
      try store(doubles(), into: result, saturate: saturate)
    // Rounded once: what is narrower than double precision comes from single precision.
    case .uint64 where target.isFloatingPoint:
      let values = values(UInt64.self)
      try store(values.map { target == .float64 ? Double($0) : Double(Float($0)) }, into: result, saturate: saturate)
    case .int8 where widen(Int8.self, into: result): break
    case .uint8 where widen(UInt8.self, into: result): break
    case .int16 where widen(Int16.self, into: result): break
    case .int32 where widen(Int32.self, into: result): break
    case .uint32 where widen(UInt32.self, into: result): break
    case .int64 where widen(Int64.self, into: result): break
    default:
      guard let values = integers() else { throw cannotCast(to: target) }
      if target.isFloatingPoint {
        try store(values.map { target == .float64 ? Double($0) : Double(Float($0)) }, into: result, saturate: saturate)
      } else {
        try storeIntegers(values, into: result)
      }
    }
  }

  /// Integers to the dtypes that models cast them to, without a list in between.
  private func widen<T: FixedWidthInteger>(_: T.Type, into result: NDArray) -> Bool {
    func fill<U>(_: U.Type, _ convert: (T) -> U) -> Bool {
      with(T.self) { x in result.withMutable(U.self) { y in for i in 0..<x.count { y[i] = convert(x[i]) } } }
      return true
    }
    switch result.dtype {
    case .int32: return fill(Int32.self) { Int32(truncatingIfNeeded: $0) }
    case .uint32: return fill(UInt32.self) { UInt32(truncatingIfNeeded: $0) }
    case .int64: return fill(Int64.self) { Int64(truncatingIfNeeded: $0) }
    case .uint64: return fill(UInt64.self) { UInt64(truncatingIfNeeded: $0) }
    case .float32: return fill(Float.self) { Float($0) }
    case .float64: return fill(Double.self) { Double($0) }
    default: return false
    }
  }

  private func cannotCast(to target: DType) -> ExecutionError {
    ExecutionError(.noKernel, "no cast from \(dtype) to \(target)")
  }

  private func store(_ values: [Double], into result: NDArray, saturate: Bool) throws {
    func fill<T>(_: T.Type, _ convert: (Double) -> T) {
      result.withMutable(T.self) { y in for i in 0..<values.count { y[i] = convert(values[i]) } }
    }
    func whole<T: FixedWidthInteger>(_: T.Type) { fill(T.self) { T(truncatingDouble: $0) } }
    switch result.dtype {
    case .bool: fill(UInt8.self) { $0 == 0 ? 0 : 1 }
    case .int8: whole(Int8.self)
    case .uint8: whole(UInt8.self)
    case .int16: whole(Int16.self)
    case .uint16: whole(UInt16.self)
    case .int32: whole(Int32.self)
    case .uint32: whole(UInt32.self)
    case .int64: whole(Int64.self)
    case .uint64: whole(UInt64.self)
    case .int4, .int2:
      let top = result.dtype == .int4 ? 7.0 : 1.0
      fill(Int8.self) { $0.isNaN ? 0 : Int8(max(-top - 1, min(top, $0.rounded(.toNearestOrEven)))) }
    case .uint4, .uint2:
      let top = result.dtype == .uint4 ? 15.0 : 3.0
      fill(UInt8.self) { $0.isNaN ? 0 : UInt8(max(0, min(top, $0.rounded(.toNearestOrEven)))) }
    case .float16: fill(Float16.self) { Float16($0) }
    case .bfloat16: fill(BFloat16.self) { BFloat16(Float($0)) }
    case .float32: fill(Float.self) { Float($0) }
    case .float64: fill(Double.self) { $0 }
    case .float4e2m1, .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float8e8m0fnu:
      let target = result.dtype
      fill(UInt8.self) { MiniFloat.encode(Float($0), as: target, saturate: saturate) }
    case .complex64: fill(SIMD2<Float>.self) { SIMD2(Float($0), 0) }
    case .complex128: fill(SIMD2<Double>.self) { SIMD2($0, 0) }
    case .string, .resource, .variant: throw cannotCast(to: result.dtype)
    }
  }

  private func storeIntegers(_ values: [Int], into result: NDArray) throws {
    func fill<T>(_: T.Type, _ convert: (Int) -> T) {
      result.withMutable(T.self) { y in for i in 0..<values.count { y[i] = convert(values[i]) } }
    }
    switch result.dtype {
    case .bool: fill(UInt8.self) { $0 == 0 ? 0 : 1 }
    case .int8: fill(Int8.self) { Int8(truncatingIfNeeded: $0) }
    case .uint8: fill(UInt8.self) { UInt8(truncatingIfNeeded: $0) }
    case .int16: fill(Int16.self) { Int16(truncatingIfNeeded: $0) }
    case .uint16: fill(UInt16.self) { UInt16(truncatingIfNeeded: $0) }
    case .int32: fill(Int32.self) { Int32(truncatingIfNeeded: $0) }
    case .uint32: fill(UInt32.self) { UInt32(truncatingIfNeeded: $0) }
    case .int64: fill(Int64.self) { Int64($0) }
    case .uint64: fill(UInt64.self) { UInt64(truncatingIfNeeded: $0) }
    case .int4: fill(Int8.self) { Int8(truncatingIfNeeded: ($0 << 60) >> 60) }
    case .uint4: fill(UInt8.self) { UInt8($0 & 15) }
    case .int2: fill(Int8.self) { Int8(truncatingIfNeeded: ($0 << 62) >> 62) }
    case .uint2: fill(UInt8.self) { UInt8($0 & 3) }
    default: throw cannotCast(to: result.dtype)
    }
  }
}

extension FixedWidthInteger {
  /// Towards zero; beyond the ends the end, NaN zero.
  init(truncatingDouble value: Double) {
    if value.isNaN {
      self = 0
    } else if let exact = Self(exactly: value.rounded(.towardZero)) {
      self = exact
    } else {
      self = value < 0 ? .min : .max
    }
  }
}
