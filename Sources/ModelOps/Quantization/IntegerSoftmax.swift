import ModelGraph
import ModelTensor
import RealModule

/// SOFTMAX of 8 bits to 8 or 16, and of 16 bits by tables.
extension SoftmaxOp: IntegerKernel {
  public func evaluateIntegers(_ inputs: [NDArray?], _ types: IntegerTypes, in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    guard try normalizeAxis(axis, rank: x.rank) == x.rank - 1 else { throw noKernel(x.dtype) }
    return [try IntegerSoftmax(op: self, beta: 1).callAsFunction(x, types, in: context)]
  }
}
extension ScaledSoftmaxOp: IntegerKernel {
  public func evaluateIntegers(_ inputs: [NDArray?], _ types: IntegerTypes, in context: ExecutionContext) throws -> [NDArray] {
    [try IntegerSoftmax(op: self, beta: Float(beta)).callAsFunction(try inputs.required(0, of: self), types, in: context)]
  }
}

/// Along the last axis, of scores times `beta`.
private struct IntegerSoftmax {
  let op: any Op, beta: Float

  func callAsFunction(_ x: NDArray, _ types: IntegerTypes, in context: ExecutionContext) throws -> NDArray {
    let from = try types.input(0, of: op), to = try types.output(of: op)
    guard types.activation == .none, x.rank > 0 else { throw op.noKernel(x.dtype) }
    let depth = x.shape[x.rank - 1]
    var values = try x.stored(for: op)
    if x.dtype == .int16, to.dtype == .int16 {
      softmax16(&values, depth, from)
    } else {
      guard x.dtype == .int8 || x.dtype == .uint8, to.dtype == .int16 || to.dtype == x.dtype else { throw op.noKernel(x.dtype) }
      try softmax8(&values, depth, from, to)
    }
    return try .storing(values, as: to.dtype, x.shape, for: op, in: context)
  }

  private func softmax8(_ x: inout [Int32], _ depth: Int, _ from: QuantizedType, _ to: QuantizedType) throws {
    var scaling = ExponentScaling(scale: Double(beta) * Double(from.scale))
    let range = try to.range(of: op)
    if x.count > 256 { scaling.tabulate() }
    let bits = to.dtype.bitWidth ?? 8
    for start in stride(from: 0, to: x.count, by: max(1, depth)) {
      let row = start..<(start + depth)
      let largest = x[row].max() ?? 0
      let sum = scaling.sumOfExponentials(x[row], largest)
      let (scale, over) = FixedPointFunctions.reciprocal(sum, integerBits: 12)
      for i in row {
        let difference = x[i] &- largest
        guard difference >= scaling.least else {
          x[i] = range.lowerBound
          continue
        }
        let product = doublingHighProduct(scale, scaling.exponential(difference))
        x[i] = range.clamp(roundingDivide(product, byPowerOfTwo: over + 31 - bits) &+ range.lowerBound)
      }
    }
  }

  private func softmax16(_ x: inout [Int32], _ depth: Int, _ from: QuantizedType) {
    let span = 65535.0
    let exponentials = LookupTable(
      inputScale: 10.0 / span, inputZero: 32767, outputScale: 2.0 / span, outputZero: 0, { Double.exp($0) })
    let reciprocals = LookupTable(
      inputScale: 1.0 / span, inputZero: -32768, outputScale: 2.0 / span, outputZero: 0, { 1 / (1 + $0) })
    let factor = FixedPointFactor(Double(from.scale * beta) / (10.0 / 65535.0))
    for start in stride(from: 0, to: x.count, by: max(1, depth)) {
      let row = start..<(start + depth)
      let largest = x[row].max() ?? 0
      var sum: Int32 = 0
      for i in row {
        let scaled = factor.times(x[i] &- largest)
        x[i] = exponentials[Int32(Int16(clamping: Int64(scaled) + 32767))]
        sum &+= x[i]
      }
      let headroom = sum.leadingZeroBitCount
      guard headroom >= 1, headroom < 31 else { continue }
      let shifted = Int32(truncatingIfNeeded: (Int64(sum) << Int64(headroom - 1) + (1 << 13)) >> 14)
      let scale = Int64(reciprocals[Int32(Int16(clamping: shifted &- (1 << 15) &- (1 << 16)))])
      let shift = Int64(31 - headroom)
      for i in row {
        let result = (Int64(x[i]) * scale + (1 << (shift - 1))) >> shift
        x[i] = Int32(min(max(result, 0), 32767))
      }
    }
  }
}

/// LOG_SOFTMAX of 8 bits, to the scale 16/256.
extension LogSoftmaxOp: IntegerKernel {
  public func evaluateIntegers(_ inputs: [NDArray?], _ types: IntegerTypes, in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self), from = try types.input(0, of: self), to = try types.output(of: self)
    guard types.activation == .none, x.dtype == to.dtype, x.dtype == .int8 || x.dtype == .uint8, x.rank > 0,
      try normalizeAxis(axis, rank: x.rank) == x.rank - 1
    else { throw noKernel(x.dtype) }
    let depth = x.shape[x.rank - 1], range = try to.range(of: self)
    var scaling = ExponentScaling(scale: Double(from.scale))
    if x.count > 256 { scaling.tabulate() }
    // How many stored steps make a number of five integer bits.
    let inverse = FixedPointFactor(Double(1 << (31 - scaling.factor.shift)) / Double(scaling.factor.value))
    var values = try x.stored(for: self)
    for start in stride(from: 0, to: values.count, by: max(1, depth)) {
      let row = start..<(start + depth)
      let largest = values[row].max() ?? 0
      let sum = scaling.sumOfExponentials(values[row], largest)
      let logarithm = FixedPointFunctions.logAboveOne(sum, inputBits: 12, outputBits: 5)
      let least = max(scaling.least - 1, inverse.times(logarithm &+ .min))
      for i in row {
        let difference = values[i] &- largest
        guard difference > least else {
          values[i] = range.lowerBound
          continue
        }
        let steps = roundingDivide(scaling.factor.times(difference) &- logarithm, byPowerOfTwo: 22)
        values[i] = range.clamp(steps &+ range.upperBound)
      }
    }
    return [try .storing(values, as: to.dtype, x.shape, for: self, in: context)]
  }
}

/// Differences of stored numbers as fixed-point numbers of five integer bits.
private struct ExponentScaling {
  let factor: FixedPointFactor
  /// Differences below it have an exponential of 0.
  let least: Int32
  init(scale: Double) {
    factor = FixedPointFactor(min(scale * Double(1 << 26), 0x1p31 - 1))
    let radius = 31 * Double(1 << 26) / Double(sign: .plus, exponent: max(0, min(62, factor.shift)), significand: 1)
    least = 0 &- convert(radius.rounded(.down))
  }
  /// The exponentials of 0, −1, …, −255: differences of 8-bit numbers.
  private var table: [Int32] = []

  @inline(__always)
  func exponential(_ difference: Int32) -> Int32 {
    table.isEmpty ? FixedPointFunctions.expOfNegative(factor.times(difference), integerBits: 5) : table[Int(0 &- difference)]
  }
  mutating func tabulate() { table = (0..<256).map { exponential(0 - $0) } }
  /// With twelve integer bits.
  func sumOfExponentials(_ row: ArraySlice<Int32>, _ largest: Int32) -> Int32 {
    var sum: Int32 = 0
    for value in row where value &- largest >= least { sum &+= roundingDivide(exponential(value &- largest), byPowerOfTwo: 12) }
    return sum
  }
}
