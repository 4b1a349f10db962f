import ModelGraph
import ModelTensor

/// QUANTIZE, DEQUANTIZE, requantisation, and the activations of the RELU family, which requantise.
extension IdentityOp: IntegerKernel {
  public func evaluateIntegers(_ inputs: [NDArray?], _ types: IntegerTypes, in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    let from = types.optional(0), to = types.outputs.first ?? nil
    switch (from, to) {
    case (let from?, let to?): return [try requantize(x, from, to, types.activation, of: self, in: context)]
    case (let from?, nil) where types.activation == .none: return [try dequantize(x, from, of: self, in: context)]
    case (nil, let to?) where types.activation == .none: return [try quantize(x, to, of: self, in: context)]
    case (nil, nil) where types.activation == .none: return [x]
    default: throw noKernel(x.dtype)
    }
  }
}

extension ReluOp: IntegerKernel {
  public func evaluateIntegers(_ inputs: [NDArray?], _ types: IntegerTypes, in context: ExecutionContext) throws -> [NDArray] {
    guard types.activation == .none else { throw noKernel(try inputs.required(0, of: self).dtype) }
    return [
      try requantize(
        try inputs.required(0, of: self), try types.input(0, of: self), try types.output(of: self), .relu, of: self, in: context)
    ]
  }
}

private func requantize(
  _ x: NDArray, _ from: QuantizedType, _ to: QuantizedType, _ activation: FusedActivation, of op: any Op, in context: ExecutionContext
) throws -> NDArray {
  guard !from.isPerAxis, !to.isPerAxis, let all = to.dtype.integerRange else { throw op.noKernel(from.dtype) }
  let whole = Int32(clamping: Int64(all.lowerBound))...Int32(clamping: Int64(all.upperBound))
  let range = activation == .none ? whole : try to.range(activation, of: op)
  // An activation takes the ratio in float32, QUANTIZE in float64.
  let ratio = activation == .none ? Double(from.scale) / Double(to.scale) : Double(from.scale / to.scale)
  let factor = FixedPointFactor(ratio), zero = from.offset, offset = to.offset
  return try mapStored(x, as: to.dtype, for: op, in: context) { range.clamp(factor.times($0 &- zero) &+ offset) }
}

/// The nearest integer, halves away from zero, saturating; without a call where the fraction can be told by subtraction.
@inline(__always)
private func nearestWhole(_ x: Float) -> Int32 {
  guard abs(x) < 0x1p23 else { return convert(x.rounded(.toNearestOrAwayFromZero)) }
  let whole = Int32(x), rest = x - Float(whole)
  return whole &+ (rest >= 0.5 ? 1 : rest <= -0.5 ? -1 : 0)
}

/// The same for elements that are all of fewer than 2²² steps, which vectors do: adding a number whose units are ones rounds to the
/// nearest, halves to even, and of these the ones towards zero are put right.
/// - Returns: Whether they are.
@inline(__always)
private func quantizeTame<T: FixedWidthInteger>(
  _ x: UnsafeBufferPointer<Float>, _ y: UnsafeMutableBufferPointer<T>, _ elements: Range<Int>, _ scale: Float, _ zero: Int32, _ low: Int32,
  _ high: Int32
) -> Bool {
  guard (-65535...65535).contains(zero), let source = x.baseAddress, let target = y.baseAddress else { return false }
  var wild: Int32 = 0
  for i in elements { wild |= abs(source[i] / scale) < 0x1p22 ? 0 : 1 }
  guard wild == 0 else { return false }
  let unit: Float = 0x1.8p23
  for i in elements {
    let steps = source[i] / scale
    let even = (steps + unit) - unit, rest = steps - even
    let whole = even + (steps > 0 && rest == 0.5 ? 1 : 0) - (steps < 0 && rest == -0.5 ? 1 : 0)
    let stored = Int32(bitPattern: (whole + unit).bitPattern &- unit.bitPattern) &+ zero
    target[i] = T(truncatingIfNeeded: min(max(stored, low), high))
  }
  return true
}

private func quantize(_ x: NDArray, _ to: QuantizedType, of op: any Op, in context: ExecutionContext) throws -> NDArray {
  guard x.dtype == .float32, let all = to.dtype.integerRange else { throw op.noKernel(x.dtype) }
  let low = Int32(all.lowerBound), high = Int32(all.upperBound)
  let parts = try QuantizedParts(x.shape, to, of: op)
  let result = try context.allocate(to.dtype, x.shape)
  func fill<T: FixedWidthInteger>(_: T.Type) {
    x.with(Float.self) { source in
      result.withMutable(T.self) { y in
        parts.forEachRun { elements, scale, zero in
          if T.bitWidth <= 16, quantizeTame(source, y, elements, scale, zero, low, high) { return }
          for i in elements {
            let steps = nearestWhole(source[i] / scale) &+ zero
            y[i] = T(truncatingIfNeeded: min(max(steps, low), high))
          }
        }
      }
    }
  }
  switch to.dtype {
  case .int8, .int4: fill(Int8.self)
  case .uint8: fill(UInt8.self)
  case .int16: fill(Int16.self)
  case .int32: fill(Int32.self)
  default: throw op.noKernel(to.dtype)
  }
  return result
}

private func dequantize(_ x: NDArray, _ from: QuantizedType, of op: any Op, in context: ExecutionContext) throws -> NDArray {
  let parts = try QuantizedParts(x.shape, from, of: op)
  let result = try context.allocate(.float32, x.shape)
  func fill<T: FixedWidthInteger>(_: T.Type) {
    x.with(T.self) { source in
      result.withMutable(Float.self) { y in
        parts.forEachRun { elements, scale, zero in
          for i in elements { y[i] = Float(Double(scale) * Double(Int32(truncatingIfNeeded: source[i]) &- zero)) }
        }
      }
    }
  }
  switch x.dtype {
  case .int8, .int4, .int2: fill(Int8.self)
  case .uint8, .uint4: fill(UInt8.self)
  case .int16: fill(Int16.self)
  case .int32: fill(Int32.self)
  default: throw op.noKernel(x.dtype)
  }
  return result
}

/// The runs of a tensor that share a scale and zero point.
struct QuantizedParts {
  private let grid: QuantizationGrid
  private let scales: [Float], zeros: [Int32]
  /// - Throws: `ExecutionError.shapeMismatch` unless the scales fit the shape.
  init(_ shape: [Int], _ type: QuantizedType, of op: any Op) throws {
    grid = try QuantizationGrid(shape, type.quantization, op: op)
    scales = type.quantization.scales
    let given = type.quantization.zeroPoints.map { Int32(truncatingIfNeeded: $0) }
    zeros = given.count == scales.count ? given : Array(repeating: given.first ?? 0, count: scales.count)
  }
  func forEachRun(_ body: (_ elements: Range<Int>, _ scale: Float, _ zero: Int32) -> Void) {
    grid.forEachRun { body($0, scales[$1], zeros[$1]) }
  }
}
