import ModelGraph
import ModelTensor

/// Two inputs brought to one finer scale, combined there, and brought to the result's.
private struct CommonScale {
  let left: Int32, zeroA: Int32, zeroB: Int32, zero: Int32
  let factorA: FixedPointFactor, factorB: FixedPointFactor, factor: FixedPointFactor
  let range: ClosedRange<Int32>

  init(_ types: IntegerTypes, of op: any Op, resultBelowOne: Bool) throws {
    let a = try types.input(0, of: op), b = try types.input(1, of: op), y = try types.output(of: op)
    guard a.dtype == y.dtype, b.dtype == y.dtype, !a.isPerAxis, !b.isPerAxis else { throw op.noKernel(a.dtype) }
    left = y.dtype == .int16 ? 15 : 20
    let twice = 2 * max(a.scale, b.scale)
    factorA = try FixedPointFactor(belowOne: Double(a.scale) / Double(twice), of: op)
    factorB = try FixedPointFactor(belowOne: Double(b.scale) / Double(twice), of: op)
    let ratio = Double(twice) / Double(Float(1 << left) * y.scale)
    factor = resultBelowOne ? try FixedPointFactor(belowOne: ratio, of: op) : FixedPointFactor(ratio)
    range = try y.range(types.activation, of: op)
    (zeroA, zeroB, zero) = (a.offset, b.offset, y.offset)
  }
  @inline(__always) func a(_ x: Int32) -> Int32 { factorA.times((x &- zeroA) &<< left) }
  @inline(__always) func b(_ x: Int32) -> Int32 { factorB.times((x &- zeroB) &<< left) }
  @inline(__always) func result(_ x: Int32) -> Int32 { range.clamp(factor.times(x) &+ zero) }
}

extension FixedPointFactor {
  /// As the primitives take it: a shift to the left before, and a factor.
  fileprivate var split: (left: Int32, factor: IntegerFactor)? {
    guard (-31...31).contains(shift) else { return nil }
    return (Int32(max(0, shift)), IntegerFactor(value, right: Int32(max(0, -shift))))
  }
}

extension CommonScale {
  /// The same as a primitive, if it can be one.
  func combination(_ function: IntegerCombination.Function) -> IntegerCombination? {
    guard let a = factorA.split, let b = factorB.split, let y = factor.split, a.left == 0, b.left == 0 else { return nil }
    var made = IntegerCombination(function, left: y.left, result: y.factor, zero: zero, range: range)
    (made.first, made.a, made.b) = (left, a.factor, b.factor)
    return made
  }
}

/// Two tensors of one dtype, broadcast; `nil` when the primitive doesn't take them.
private func combined(
  _ scheme: IntegerCombination?, _ a: NDArray, _ zeroA: Int32, _ b: NDArray, _ zeroB: Int32, in context: ExecutionContext
) throws -> NDArray? {
  guard let scheme, a.dtype == b.dtype, let kind = IntegerKind(a.dtype), kind != .int16 || zeroA == 0 && zeroB == 0 else { return nil }
  let walk = try BroadcastWalk([a.shape, b.shape])
  let stepA = walk.steps[0].last ?? 0, stepB = walk.steps[1].last ?? 0
  guard stepA <= 1, stepB <= 1 else { return nil }
  let result = try context.allocate(a.dtype, walk.shape)
  a.withBytes { x in
    b.withBytes { w in
      result.withMutableBytes { y in
        guard let x = x.baseAddress, let w = w.baseAddress, let y = y.baseAddress else { return }
        let left = StoredIntegers(x, kind, zero: zeroA), right = StoredIntegers(w, kind, zero: zeroB), to = StoredResults(y, kind)
        if a.shape == b.shape {
          context.primitives.combine(
            scheme, left, right, to, offset: 0, count: result.count, aStart: 0, bStart: 0, aStep: 1, bStep: 1)
          return
        }
        walk.forEachRun { place, offsets, length in
          context.primitives.combine(
            scheme, left, right, to, offset: place, count: length, aStart: offsets[0], bStart: offsets[1], aStep: stepA, bStep: stepB)
        }
      }
    }
  }
  return result
}

extension AddOp: IntegerKernel {
  public func evaluateIntegers(_ inputs: [NDArray?], _ types: IntegerTypes, in context: ExecutionContext) throws -> [NDArray] {
    let a = try inputs.required(0, of: self), b = try inputs.required(1, of: self)
    let scale = try CommonScale(types, of: self, resultBelowOne: true)
    if let sum = try combined(scale.combination(.add), a, scale.zeroA, b, scale.zeroB, in: context) { return [sum] }
    return [try mapStored(a, b, as: a.dtype, for: self, in: context) { scale.result(scale.a($0) &+ scale.b($1)) }]
  }
}

extension SubOp: IntegerKernel {
  public func evaluateIntegers(_ inputs: [NDArray?], _ types: IntegerTypes, in context: ExecutionContext) throws -> [NDArray] {
    let a = try inputs.required(0, of: self), b = try inputs.required(1, of: self)
    let scale = try CommonScale(types, of: self, resultBelowOne: false)
    if let difference = try combined(scale.combination(.sub), a, scale.zeroA, b, scale.zeroB, in: context) { return [difference] }
    return [try mapStored(a, b, as: a.dtype, for: self, in: context) { scale.result(scale.a($0) &- scale.b($1)) }]
  }
}

extension MulOp: IntegerKernel {
  public func evaluateIntegers(_ inputs: [NDArray?], _ types: IntegerTypes, in context: ExecutionContext) throws -> [NDArray] {
    let a = try inputs.required(0, of: self), b = try inputs.required(1, of: self)
    let x = try types.input(0, of: self), w = try types.input(1, of: self), y = try types.output(of: self)
    guard x.dtype == w.dtype, x.dtype == y.dtype else { throw noKernel(x.dtype) }
    // All in float32, as LiteRT prepares it.
    let factor = FixedPointFactor(Double(x.scale * w.scale / y.scale)), range = try y.range(types.activation, of: self)
    let (zeroA, zeroB, zero) = (x.offset, w.offset, y.offset)
    let scheme = factor.split.map { IntegerCombination(.mul, left: $0.left, result: $0.factor, zero: zero, range: range) }
    if let product = try combined(scheme, a, zeroA, b, zeroB, in: context) { return [product] }
    return [
      try mapStored(a, b, as: y.dtype, for: self, in: context) {
        range.clamp(zero &+ factor.times(($0 &- zeroA) &* ($1 &- zeroB)))
      }
    ]
  }
}

extension DivOp: IntegerKernel {
  public func evaluateIntegers(_ inputs: [NDArray?], _ types: IntegerTypes, in context: ExecutionContext) throws -> [NDArray] {
    let a = try inputs.required(0, of: self), b = try inputs.required(1, of: self)
    let x = try types.input(0, of: self), w = try types.input(1, of: self), y = try types.output(of: self)
    guard x.dtype == w.dtype, x.dtype == y.dtype else { throw noKernel(x.dtype) }
    let factor = FixedPointFactor(Double(x.scale / (w.scale * y.scale))), range = try y.range(types.activation, of: self)
    let (zeroA, zeroB, zero) = (x.offset, w.offset, y.offset)
    guard !(try b.stored(for: self)).contains(zeroB) else {
      throw ExecutionError(.invalidValue, "Div of integers by zero")
    }
    return [
      try mapStored(a, b, as: y.dtype, for: self, in: context) {
        var dividend = $0 &- zeroA, divisor = $1 &- zeroB
        if divisor < 0 { (dividend, divisor) = (0 &- dividend, 0 &- divisor) }
        let (inverse, bits) = FixedPointFunctions.reciprocal(divisor, integerBits: 31)
        let headroom = dividend == 0 ? 31 : (dividend < 0 ? ~dividend : dividend).leadingZeroBitCount - 1
        let quotient = doublingHighProduct(dividend &* (1 &<< Int32(headroom)), inverse)
        let shift = factor.shift - bits - headroom
        return range.clamp(zero &+ roundingDivide(doublingHighProduct(quotient, factor.value), byPowerOfTwo: -shift))
      }
    ]
  }
}

extension SquaredDifferenceOp: IntegerKernel {
  public func evaluateIntegers(_ inputs: [NDArray?], _ types: IntegerTypes, in context: ExecutionContext) throws -> [NDArray] {
    let a = try inputs.required(0, of: self), b = try inputs.required(1, of: self)
    let x = try types.input(0, of: self), w = try types.input(1, of: self), y = try types.output(of: self)
    guard x.dtype == .int8, w.dtype == .int8, y.dtype == .int8, types.activation == .none else { throw noKernel(x.dtype) }
    let left: Int32 = 7, twice = Double(2 * max(x.scale, w.scale))
    let factorA = try FixedPointFactor(belowOne: Double(x.scale) / twice, of: self)
    let factorB = try FixedPointFactor(belowOne: Double(w.scale) / twice, of: self)
    let factor = try FixedPointFactor(belowOne: twice * twice / Double(Float(1 << (2 * left)) * y.scale), of: self)
    let (zeroA, zeroB, zero) = (x.offset, w.offset, y.offset), range = try y.range(of: self)
    return [
      try mapStored(a, b, as: .int8, for: self, in: context) {
        let difference = factorA.times(($0 &- zeroA) &<< left) &- factorB.times(($1 &- zeroB) &<< left)
        return range.clamp(factor.times(difference &* difference) &+ zero)
      }
    ]
  }
}

/// Stored numbers compare as real ones do, since all quantisations are the same: LiteRT demands it.
extension MaximumOp: IntegerKernel {
  public func evaluateIntegers(_ inputs: [NDArray?], _ types: IntegerTypes, in context: ExecutionContext) throws -> [NDArray] {
    let a = try inputs.required(0, of: self), b = try inputs.required(1, of: self)
    return [try mapStored(a, b, as: a.dtype, for: self, in: context) { max($0, $1) }]
  }
}
extension MinimumOp: IntegerKernel {
  public func evaluateIntegers(_ inputs: [NDArray?], _ types: IntegerTypes, in context: ExecutionContext) throws -> [NDArray] {
    let a = try inputs.required(0, of: self), b = try inputs.required(1, of: self)
    return [try mapStored(a, b, as: a.dtype, for: self, in: context) { min($0, $1) }]
  }
}
