import ModelGraph
import ModelTensor

extension LeakyReluOp: IntegerKernel {
  public func evaluateIntegers(_ inputs: [NDArray?], _ types: IntegerTypes, in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self), from = try types.input(0, of: self), to = try types.output(of: self)
    guard from.dtype == to.dtype else { throw noKernel(x.dtype) }
    let identity = FixedPointFactor(Double(from.scale / to.scale)), slope = from.scale * Float(alpha) / to.scale
    let factor = FixedPointFactor(Double(abs(slope))), isNegative = slope < 0
    let (zero, offset) = (from.offset, to.offset), range = try to.range(of: self)
    return [
      try mapStored(x, as: to.dtype, for: self, in: context) { stored in
        let value = stored &- zero
        if value >= 0 { return range.clamp(offset &+ identity.times(value)) }
        let scaled = factor.times(value)
        return range.clamp(offset &+ (isNegative ? 0 &- scaled : scaled))
      }
    ]
  }
}

extension PReluOp: IntegerKernel {
  public func evaluateIntegers(_ inputs: [NDArray?], _ types: IntegerTypes, in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self), slopes = try inputs.required(1, of: self)
    let from = try types.input(0, of: self), alpha = try types.input(1, of: self), to = try types.output(of: self)
    guard from.dtype == to.dtype else { throw noKernel(x.dtype) }
    let identity = FixedPointFactor(Double(from.scale / to.scale))
    let factor = FixedPointFactor(Double(from.scale * alpha.scale / to.scale))
    let (zero, zeroAlpha, offset) = (from.offset, alpha.offset, to.offset), range = try to.range(of: self)
    return [
      try mapStored(x, slopes, as: to.dtype, for: self, in: context) {
        let value = $0 &- zero
        let scaled = value >= 0 ? identity.times(value) : factor.times(value &* ($1 &- zeroAlpha))
        return range.clamp(scaled &+ offset)
      }
    ]
  }
}

extension HardSwishOp: IntegerKernel {
  public func evaluateIntegers(_ inputs: [NDArray?], _ types: IntegerTypes, in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self), from = try types.input(0, of: self), to = try types.output(of: self)
    guard from.dtype == to.dtype, x.dtype == .int8 || x.dtype == .uint8 else { throw noKernel(x.dtype) }
    // 7 more bits than stored, and a range of ±3 on 16 bits for what is multiplied.
    let fine = Float(1.0 / 128) * from.scale, reluish = Float(3.0) / Float(32768)
    let output = FixedPointFactor(Double(fine / to.scale)), gate = FixedPointFactor(Double(fine / reluish))
    guard output.shift <= 0 else {
      throw ExecutionError(.invalidValue, "HardSwish of integers from the scale \(from.scale) to \(to.scale)")
    }
    let outputFactor = narrowed(output.value), gateFactor = narrowed(gate.value)
    let (zero, offset) = (from.offset, to.offset), range = try to.range(of: self)
    return [
      try mapStored(x, as: to.dtype, for: self, in: context) { stored in
        let value = Int16(truncatingIfNeeded: (stored &- zero) &* 128)
        let scaled = doublingHighProduct(value, outputFactor)
        var gated = value
        if gate.shift > 0 { gated = saturatingShift(gated, gate.shift - 1) }
        gated = doublingHighProduct(gated, gateFactor)
        if gate.shift > 0 { gated = saturatingShift(gated, 1) }
        if gate.shift < 0 { gated = roundingDivide(gated, byPowerOfTwo: -gate.shift) }
        gated = Int16(truncatingIfNeeded: (Int32(gated) + (1 << 15)) >> 1)
        let product = gated == .min && scaled == .min ? Int16.max : Int16(truncatingIfNeeded: Int32(gated) * Int32(scaled) / (1 << 15))
        let result = Int16(truncatingIfNeeded: Int32(roundingDivide(product, byPowerOfTwo: -output.shift)) &+ offset)
        return range.clamp(Int32(result))
      }
    ]
  }
}

/// The upper 16 bits, rounded and saturating.
private func narrowed(_ factor: Int32) -> Int16 {
  factor >= .max - (1 << 15) ? .max : Int16(truncatingIfNeeded: (factor + (1 << 15)) >> 16)
}

private func saturatingShift(_ x: Int16, _ amount: Int) -> Int16 {
  Int16(clamping: Int64(x) * (1 << Int64(min(amount, 31))))
}

extension AbsOp: IntegerKernel {
  public func evaluateIntegers(_ inputs: [NDArray?], _ types: IntegerTypes, in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self), from = try types.input(0, of: self), to = try types.output(of: self)
    guard from.dtype == to.dtype, x.dtype == .int8 || x.dtype == .int16 else { throw noKernel(x.dtype) }
    let isScaled = from.scale != to.scale, factor = FixedPointFactor(Double(from.scale / to.scale))
    let (zero, offset) = (from.offset, to.offset), range = try to.range(of: self)
    return [
      try mapStored(x, as: to.dtype, for: self, in: context) {
        let difference = $0 &- zero, value = difference < 0 ? 0 &- difference : difference
        return range.clamp((isScaled ? factor.times(value) : value) &+ offset)
      }
    ]
  }
}

extension SqrtOp: IntegerKernel {
  public func evaluateIntegers(_ inputs: [NDArray?], _ types: IntegerTypes, in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self), from = try types.input(0, of: self), to = try types.output(of: self)
    guard from.dtype == to.dtype, x.dtype == .int8 || x.dtype == .int16 else { throw noKernel(x.dtype) }
    let range = try to.range(of: self)
    return [
      try mapStored(x, as: to.dtype, for: self, in: context) {
        let real = from.scale * Float($0 &- from.offset)
        guard real >= 0 else { throw ExecutionError(.invalidValue, "Sqrt of the negative number \(real)") }
        // Truncated, not rounded.
        return range.clamp(convert(real.squareRoot() / to.scale) &+ to.offset)
      }
    ]
  }
}

extension RsqrtOp: TabulatedKernel {
  public static var tabulated: Set<DType> { [.int16] }
  public func tabulate(_ x: Float, to output: QuantizedType) -> Float { x > 0 ? 1 / x.squareRoot() : 32767 * output.scale }
  public func evaluateIntegers(_ inputs: [NDArray?], _ types: IntegerTypes, in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self), from = try types.input(0, of: self), to = try types.output(of: self)
    guard !(try x.stored(for: self)).contains(where: { $0 < from.offset }) else {
      throw ExecutionError(.invalidValue, "Rsqrt of a negative number")
    }
    guard x.dtype == .int8 else { return try byTable(inputs, types, in: context) }
    let factor = FixedPointFactor(1 / Double(from.scale.squareRoot() * to.scale)), range = try to.range(of: self), extra = 20
    return [
      try mapStored(x, as: to.dtype, for: self, in: context) {
        let value = $0 &- from.offset
        if value == 0 { return range.upperBound }
        let root = FixedPointFunctions.inverseSquareRoot(value)
        let scaled = FixedPointFactor(value: root.value, shift: root.shift + extra).times(Int32(1))
        return range.clamp(FixedPointFactor(value: factor.value, shift: factor.shift - extra).times(scaled) &+ to.offset)
      }
    ]
  }
}
