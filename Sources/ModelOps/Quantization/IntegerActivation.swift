import ModelGraph
import ModelTensor
import RealModule

/// A function of one number, by a table.
public protocol TabulatedKernel: IntegerKernel {
  /// Which dtypes LiteRT tabulates it for.
  static var tabulated: Set<DType> { get }
  /// The function itself, in float32.
  func tabulate(_ x: Float, to output: QuantizedType) -> Float
}

extension TabulatedKernel {
  func byTable(_ inputs: [NDArray?], _ types: IntegerTypes, in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self), from = try types.input(0, of: self), to = try types.output(of: self)
    guard types.activation == .none, Self.tabulated.contains(x.dtype) else { throw noKernel(x.dtype) }
    let table = try LookupTable(from, to, of: self) { tabulate($0, to: to) }
    return [try mapStored(x, as: to.dtype, for: self, in: context) { table[$0] }]
  }
  public func evaluateIntegers(_ inputs: [NDArray?], _ types: IntegerTypes, in context: ExecutionContext) throws -> [NDArray] {
    try byTable(inputs, types, in: context)
  }
}

extension ExpOp: TabulatedKernel {
  public static var tabulated: Set<DType> { [.int8, .int16] }
  public func tabulate(_ x: Float, to output: QuantizedType) -> Float { Float.exp(x) }
}

extension LogOp: TabulatedKernel {
  public static var tabulated: Set<DType> { [.int8, .int16] }
  public func tabulate(_ x: Float, to output: QuantizedType) -> Float {
    // What has no logarithm gives the least number that the result can say.
    x > 0 ? Float.log(x) : Float((output.dtype == .int8 ? -128 : -32768) - output.offset) * output.scale
  }
}

extension EluOp: TabulatedKernel {
  public static var tabulated: Set<DType> { [.int8] }
  public func tabulate(_ x: Float, to output: QuantizedType) -> Float { x < 0 ? Float(alpha) * Float.expMinusOne(x) : x }
}

extension GeluOp: TabulatedKernel {
  public static var tabulated: Set<DType> { [.int8, .uint8, .int16] }
  public func tabulate(_ x: Float, to output: QuantizedType) -> Float {
    approximate
      ? 0.5 * x * (1 + Float.tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)))
      : 0.5 * x * Float.erfc(x * -0.7071067811865476)
  }
}

extension SigmoidOp: TabulatedKernel {
  public static var tabulated: Set<DType> { [.int8, .uint8] }
  public func tabulate(_ x: Float, to output: QuantizedType) -> Float { 1 / (1 + Float.exp(-x)) }
  public func evaluateIntegers(_ inputs: [NDArray?], _ types: IntegerTypes, in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self), from = try types.input(0, of: self)
    guard x.dtype == .int16 else { return try byTable(inputs, types, in: context) }
    let input = SigmoidInput(from.scale, exact: 0...0)
    return [
      try mapStored(x, as: .int16, for: self, in: context) { stored in
        let scaled = input.scaled(stored)
        let magnitude = scaled.magnitude, place = Int(magnitude >> 9)
        var result: UInt32 = 0x7FFF << 10
        if place < 255 {
          let a = LookupTable.sigmoid[place], b = LookupTable.sigmoid[place + 1]
          result = (a << 9) &+ (magnitude & 0x1FF) &* (b &- a)
        }
        result = scaled >= 0 ? result &+ (1 << 9) : (1 << 25) &- result &+ (1 << 9) &- 1
        return Int32(Int16(truncatingIfNeeded: result >> 10))
      }
    ]
  }
}

extension TanhOp: TabulatedKernel {
  public static var tabulated: Set<DType> { [.int8, .uint8] }
  public func tabulate(_ x: Float, to output: QuantizedType) -> Float { Float.tanh(x) }
  public func evaluateIntegers(_ inputs: [NDArray?], _ types: IntegerTypes, in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self), from = try types.input(0, of: self)
    guard x.dtype == .int16 else { return try byTable(inputs, types, in: context) }
    let input = SigmoidInput(from.scale, exact: 0...1)
    return [
      try mapStored(x, as: .int16, for: self, in: context) { stored in
        let scaled = input.scaled(stored)
        let magnitude = scaled.magnitude, place = Int(magnitude >> 8)
        var result: Int32 = 0xFFFF << 8
        if place < 255 {
          let a = LookupTable.sigmoid[place], b = LookupTable.sigmoid[place + 1]
          result = Int32(bitPattern: (a << 8) &+ (magnitude & 0xFF) &* (b &- a))
        }
        result = scaled >= 0 ? result &- (1 << 23) &+ (1 << 7) : 0 &- result &+ (1 << 23) &+ (1 << 7) &- 1
        return Int32(Int16(truncatingIfNeeded: result >> 8))
      }
    ]
  }
}

/// The scale of 16-bit inputs of SIGMOID and TANH, brought to 24·512 steps a unit.
private struct SigmoidInput {
  private var multiplier: Int32 = 0, shift: Int32 = 0
  /// Scales that are powers of two, with a shift within `exact`, are multiplied by 3 alone.
  init(_ scale: Float, exact: ClosedRange<Int>) {
    // LiteRT takes the logarithm in float32 and allows it to be off by 1/1000.
    let power = Float.log(scale) * (1 / Float.log(2)), whole = power.rounded(.toNearestOrAwayFromZero)
    if abs(power - whole) < 1e-3, let exponent = Int(exactly: whole), exact.contains(12 + exponent) {
      (multiplier, shift) = (3 << Int32(12 + exponent), 0)
      return
    }
    var factor = Double(scale) * 4096 * 3
    while factor <= 32767.0 / 2, shift <= 30 {
      shift += 1
      factor *= 2
    }
    multiplier = convert(factor)
  }
  @inline(__always)
  func scaled(_ x: Int32) -> Int32 {
    let round: Int32 = shift > 0 ? 1 << (shift - 1) : 0
    return (x &* multiplier &+ round) >> shift
  }
}
