import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// Integers that stand for numbers in a range given beside them: three ways to lay the range over the integers.
let quantizedRangeRules: [NodeRule] = [
  .reads("QuantizeV2") { n, g in try n.quantized(&g) },
  .reads("Dequantize") { n, g in [try n.dequantized(&g)] },
]

extension NodeReader {
  private func integers(of dtype: DType) throws -> (low: Double, high: Double) {
    guard let range = dtype.integerRange, (dtype.bitWidth ?? 64) <= 32 else { throw UnsupportedError("\(type) of \(dtype)") }
    return (Double(range.lowerBound), Double(range.upperBound))
  }

  private func checkAxis() throws {
    guard try attribute("axis") == nil || int("axis") == -1 else { throw UnsupportedError("\(type) with a range for each channel") }
  }

  /// Results: the integers, and the ends of the range as it was laid over them.
  fileprivate func quantized(_ g: inout GraphContext) throws -> [ValueID] {
    try checkAxis()
    let x = try input(0), dtype = try self.dtype("T"), (low, high) = try integers(of: dtype)
    guard g.type(of: x).dtype == .float32 else { throw UnsupportedError("\(type) of \(g.type(of: x).dtype)") }
    func constant(_ value: Double, in g: inout GraphContext) throws -> ValueID { try g.scalar(value, dtype: .float32) }
    let zero = try constant(0, in: &g), one = try constant(1, in: &g)
    let given = (low: try g.reshape(try input(1), []), high: try g.reshape(try input(2), []))
    // The range holds 0 and is not too narrow.
    let size = try g.maximum(one, try g.maximum(try g.apply(AbsOp(), given.low), try g.apply(AbsOp(), given.high)))
    let least = try g.mul(size, try constant(try attribute("ensure_minimum_range") == nil ? 0.01 : float("ensure_minimum_range"), in: &g))
    var bottom = try g.minimum(zero, given.low)
    var top = try g.maximum(zero, try g.maximum(given.high, try g.add(bottom, least)))
    let isEven = try string("round_mode") == "HALF_TO_EVEN"
    func rounded(_ value: ValueID, in g: inout GraphContext) throws -> ValueID {
      if isEven { return try g.apply(RoundOp(), value) }
      let up = try g.apply(FloorOp(), try g.add(try g.apply(AbsOp(), value), try constant(0.5, in: &g)))
      return try g.mul(try g.apply(SignOp(), value), up)
    }
    var y: ValueID
    switch try string("mode") {
    case "MIN_COMBINED":
      let scale = try g.div(try constant(high - low, in: &g), try g.sub(top, bottom))
      let inside = try g.maximum(try g.minimum(x, top), bottom)
      y = try g.mul(try g.sub(inside, bottom), scale)
      if low < 0 { y = try g.sub(y, try constant((high - low + 1) / 2, in: &g)) }
      y = try rounded(y, in: &g)
    case "MIN_FIRST":
      let count = high - low + 1
      let scale = try g.div(try constant(count - 1, in: &g), try g.sub(top, bottom))
      // Unsigned bytes have a kernel of their own, which rounds once.
      let shifted =
        dtype == .uint8
        ? try rounded(try g.mul(try g.sub(x, bottom), scale), in: &g)
        : try g.sub(try rounded(try g.mul(x, scale), in: &g), try rounded(try g.mul(bottom, scale), in: &g))
      y = try g.add(shifted, try constant(low, in: &g))
    case "SCALED":
      guard try !flag("narrow_range", or: false) || low < 0 else {
        throw UnsupportedError("\(type) of a narrow range of unsigned integers")
      }
      // Symmetric around 0, where the integers are.
      top = try g.maximum(try g.apply(AbsOp(), bottom), top)
      bottom = low < 0 ? try g.apply(NegOp(), top) : zero
      let isNarrow = try flag("narrow_range", or: false), steps = low < 0 && !isNarrow ? (high - low) / 2 : high
      let scale = try g.div(try constant(steps, in: &g), top)
      y = try rounded(try g.mul(try g.maximum(try g.minimum(x, top), bottom), scale), in: &g)
    case let mode: throw UnsupportedError("\(type) of the mode \(mode)")
    }
    return [try g.cast(try g.clip(y, min: low, max: high), to: dtype), bottom, top]
  }

  fileprivate func dequantized(_ g: inout GraphContext) throws -> ValueID {
    try checkAxis()
    let x = try input(0), (low, high) = try integers(of: g.type(of: x).dtype)
    let dtype = attribute("dtype") == nil ? .float32 : try self.dtype("dtype")
    let wide = try g.cast(x, to: .float32), bottom = try g.reshape(try input(1), []), top = try g.reshape(try input(2), [])
    func constant(_ value: Double, in g: inout GraphContext) throws -> ValueID { try g.scalar(value, dtype: .float32) }
    let y: ValueID
    switch try string("mode") {
    case "MIN_COMBINED":
      let scale = try g.div(try g.sub(top, bottom), try constant(high - low, in: &g))
      let half = try constant(low < 0 ? (high - low + 1) / 2 : 0, in: &g)
      y = try g.add(try g.mul(try g.add(wide, half), scale), bottom)
    case "MIN_FIRST":
      let scale = try g.div(try g.sub(top, bottom), try constant(high - low, in: &g))
      let places = try g.div(bottom, scale)
      let nearest = try g.mul(
        try g.apply(SignOp(), places), try g.apply(FloorOp(), try g.add(try g.apply(AbsOp(), places), try constant(0.5, in: &g))))
      y = try g.add(try g.mul(try g.sub(wide, try constant(low, in: &g)), scale), try g.mul(nearest, scale))
    case "SCALED":
      let narrow = try flag("narrow_range", or: false) ? 1.0 : 0
      let fromTop = try g.div(top, try constant(high, in: &g))
      let scale = low < 0 ? try g.maximum(try g.div(bottom, try constant(low + narrow, in: &g)), fromTop) : fromTop
      y = try g.mul(wide, scale)
    case let mode: throw UnsupportedError("\(type) of the mode \(mode)")
    }
    return try g.cast(y, to: dtype)
  }
}
