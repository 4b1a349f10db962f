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
  @inline(__always) func result(_ x: Int32) -> Int32 {
    guard factor.shift > 0 else { return range.clamp(factor.times(x) &+ zero) }
    // LiteRT expects a factor below one of a difference and doesn't check: it shifts to the right by less than nothing, which the processor
    // takes modulo 32. Where steps of the result are that much finer than those of the operands, no difference becomes one step.
    return range.clamp(roundingDivide(doublingHighProduct(x, factor.value), byPowerOfTwo: -factor.shift) &+ zero)
  }
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
    guard let a = factorA.split, let b = factorB.split, let y = factor.split, a.left == 0, b.left == 0, y.left == 0 else { return nil }
    var made = IntegerCombination(function, left: y.left, result: y.factor, zero: zero, range: range)
    (made.first, made.a, made.b) = (left, a.factor, b.factor)
    return made
  }
}

/// Two tensors of one dtype, broadcast; `nil` when the primitive doesn't take them.
private func combined(
  _ scheme: IntegerCombination?, _ a: NDArray, _ zeroA: Int32, _ b: NDArray, _ zeroB: Int32, in context: ExecutionContext
) throws -> NDArray? {
  guard let scheme, a.dtype == b.dtype, let kind = IntegerKind(a.dtype), kind != .int16 || zeroA == 0 && zeroB == 0,
    (-32512...32512).contains(zeroA), (-32512...32512).contains(zeroB)
  else { return nil }
  let walk = try BroadcastWalk([a.shape, b.shape])
  let stepA = walk.steps[0].last ?? 0, stepB = walk.steps[1].last ?? 0
  guard stepA <= 1, stepB <= 1 else { return nil }
  let result = try context.allocate(a.dtype, walk.shape)
  a.withBytes { x in
    b.withBytes { w in
      result.withMutableBytes { y in
        guard let x = x.baseAddress, let w = w.baseAddress, let y = y.baseAddress else { return }
        let left = StoredIntegers(x, kind, zero: zeroA), right = StoredIntegers(w, kind, zero: zeroB), to = StoredResults(y, kind)
        // Of equal shapes, or with a single number on one side.
        if a.count == result.count || a.count == 1, b.count == result.count || b.count == 1 {
          context.primitives.combine(
            scheme, left, right, to, offset: 0, count: result.count, aStart: 0, bStart: 0, aStep: a.count == 1 ? 0 : 1,
            bStep: b.count == 1 ? 0 : 1)
          return
        }
        if combineRows(scheme, left, right, to, a.shape, b.shape, walk.shape, in: context) { return }
        walk.forEachRun { place, offsets, length in
          context.primitives.combine(
            scheme, left, right, to, offset: place, count: length, aStart: offsets[0], bStart: offsets[1], aStep: stepA, bStep: stepB)
        }
      }
    }
  }
  return result
}

/// Where one side holds a row for each image, as the factors of channels do: rows are laid out one after another, so that many pixels
/// are combined at once. `false` for other broadcasts.
private func combineRows(
  _ scheme: IntegerCombination, _ a: StoredIntegers, _ b: StoredIntegers, _ y: StoredResults, _ aShape: [Int], _ bShape: [Int],
  _ shape: [Int], in context: ExecutionContext
) -> Bool {
  let isFirst = aShape != shape
  guard let rows = RepeatedRows(isFirst ? aShape : bShape, in: shape), (isFirst ? bShape : aShape) == shape else { return false }
  let size = y.kind == .int16 ? 2 : 1, small = isFirst ? a : b, bytes = rows.width * size
  let copies = min(rows.count, max(1, 8192 / rows.width))
  guard copies > 1 else { return false }
  withUnsafeTemporaryAllocation(byteCount: copies * bytes, alignment: 16) { buffer in
    guard let start = buffer.baseAddress else { return }
    var laidOut = small
    laidOut.pointer = UnsafeRawPointer(start)
    for image in 0..<rows.images {
      for copy in 0..<copies { (start + copy * bytes).copyMemory(from: small.pointer + image * bytes, byteCount: bytes) }
      for first in stride(from: 0, to: rows.count, by: copies) {
        let at = (image * rows.count + first) * rows.width, count = min(copies, rows.count - first) * rows.width
        context.primitives.combine(
          scheme, isFirst ? laidOut : a, isFirst ? b : laidOut, y, offset: at, count: count, aStart: isFirst ? 0 : at,
          bStart: isFirst ? at : 0, aStep: 1, bStep: 1)
      }
    }
  }
  return true
}

/// `[images…, 1…, width…]` that is broadcast to `[images…, count…, width…]`.
private struct RepeatedRows {
  var images = 1, count = 1, width = 1

  /// `nil` when that is not how `small` is broadcast.
  init?(_ small: [Int], in shape: [Int]) {
    let padded = [Int](repeating: 1, count: shape.count - small.count) + small
    var axis = 0
    while axis < shape.count, padded[axis] == shape[axis] { images *= shape[axis]; axis += 1 }
    while axis < shape.count, padded[axis] == 1 { count *= shape[axis]; axis += 1 }
    while axis < shape.count, padded[axis] == shape[axis] { width *= shape[axis]; axis += 1 }
    guard axis == shape.count, width > 1, count > 1 else { return nil }
  }
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
    // What each byte comes to, from −128 on.
    let scaledA = (Int32(-128)...127).map { factorA.times(($0 &- zeroA) &<< left) }
    let scaledB = (Int32(-128)...127).map { factorB.times(($0 &- zeroB) &<< left) }
    return [
      try scaledA.withUnsafeBufferPointer { first in
        try scaledB.withUnsafeBufferPointer { second in
          try mapStored(a, b, as: .int8, for: self, in: context) {
            let difference = first[Int($0) + 128] &- second[Int($1) + 128]
            return range.clamp(factor.times(difference &* difference) &+ zero)
          }
        }
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
