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

extension AddOp: IntegerKernel {
  public func evaluateIntegers(_ inputs: [NDArray?], _ types: IntegerTypes, in context: ExecutionContext) throws -> [NDArray] {
    let a = try inputs.required(0, of: self), b = try inputs.required(1, of: self)
    let scale = try CommonScale(types, of: self, resultBelowOne: true)
    return [try mapStored(a, b, as: a.dtype, for: self, in: context) { scale.result(scale.a($0) &+ scale.b($1)) }]
  }
}

extension SubOp: IntegerKernel {
  public func evaluateIntegers(_ inputs: [NDArray?], _ types: IntegerTypes, in context: ExecutionContext) throws -> [NDArray] {
    let a = try inputs.required(0, of: self), b = try inputs.required(1, of: self)
    let scale = try CommonScale(types, of: self, resultBelowOne: false)
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
