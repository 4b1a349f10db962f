import ModelGraph
import ModelOps
import ModelTensor

extension ResamplingKernel {
  /// The matrix `[out, in]` of `weights`, for sizes and scales that are computed: scalars, the extents int64, scale and shift float32.
  func weights(
    _ extent: ValueID, _ out: ValueID, scale: ValueID, shift: ValueID, antialias: Bool, in g: inout GraphContext
  ) throws -> ValueID {
    func number(_ value: Double) throws -> ValueID { try g.scalar(value, dtype: .float32) }
    let zero = try g.scalar(0, dtype: .int64), one = try g.scalar(1, dtype: .int64), half = try number(0.5)
    let inverse = try g.div(try number(1), scale)
    let width = antialias ? try g.maximum(inverse, try number(1)) : try number(1)
    let places = try g.cast(try g.apply(RangeOp(), zero, out, one), to: .float32)
    let centre = try g.unsqueeze(try g.sub(try g.mul(try g.add(places, half), inverse), try g.mul(inverse, shift)), [1])
    let taps = try g.cast(try g.apply(RangeOp(), zero, extent, one), to: .float32), length = try g.cast(extent, to: .float32)
    let reach = try g.mul(try number(Double(radius)), width), last = try g.sub(length, try number(1))
    func bounded(_ value: ValueID) throws -> ValueID { try g.minimum(try g.maximum(value, try number(0)), last) }
    let from = try bounded(try g.apply(CeilOp(), try g.sub(try g.sub(centre, reach), half)))
    let to = try bounded(try g.apply(FloorOp(), try g.sub(try g.add(centre, reach), half)))
    let raw = try values(at: try g.div(try g.sub(try g.add(taps, half), centre), width), in: &g)
    let isTap = try g.apply(LogicalAndOp(), try g.apply(GreaterOrEqualOp(), taps, from), try g.apply(LessOrEqualOp(), taps, to))
    let isInside = try g.apply(
      LogicalAndOp(), try g.apply(GreaterOrEqualOp(), centre, try number(0)), try g.apply(LessOrEqualOp(), centre, length))
    let kept = try g.select(try g.apply(LogicalAndOp(), isTap, isInside), raw, try number(0))
    let total = try g.reduce(.sum, kept, axes: [1], keepDims: true)
    let isEmpty = try g.apply(LessOp(), try g.apply(AbsOp(), total), try number(1000 * Double(Float.leastNormalMagnitude)))
    return try g.select(isEmpty, try number(0), try g.div(kept, try g.select(isEmpty, try number(1), total)))
  }

  private func values(at place: ValueID, in g: inout GraphContext) throws -> ValueID {
    func number(_ value: Double) throws -> ValueID { try g.scalar(value, dtype: .float32) }
    let x = try g.apply(AbsOp(), place)
    func below(_ limit: Double, _ inside: ValueID, _ outside: ValueID) throws -> ValueID {
      try g.select(try g.apply(LessOp(), x, try number(limit)), inside, outside)
    }
    /// A polynomial, the highest power first.
    func polynomial(_ factors: [Double]) throws -> ValueID {
      var result = try number(factors[0])
      for factor in factors.dropFirst() { result = try g.add(try g.mul(result, x), try number(factor)) }
      return result
    }
    switch self {
    case .lanczos1, .lanczos3, .lanczos5:
      let safe = try g.maximum(x, try number(1e-3)), angle = try g.mul(safe, try number(.pi)), size = Double(radius)
      let waves = try g.mul(try g.apply(SinOp(), angle), try g.apply(SinOp(), try g.div(angle, try number(size))))
      let wave = try g.div(try g.mul(waves, try number(size)), try g.mul(angle, angle))
      let isFar = try g.apply(GreaterOp(), x, try number(size)), isNear = try g.apply(LessOrEqualOp(), x, try number(1e-3))
      return try g.select(isFar, try number(0), try g.select(isNear, try number(1), wave))
    case .gaussian:
      let width = Double(radius) / 3
      let bell = try g.apply(ExpOp(), try g.mul(try g.mul(x, x), try number(-1 / (2 * width * width))))
      return try below(Double(radius), bell, try number(0))
    case .box:
      let edge = try g.select(try g.apply(EqualOp(), x, try number(0.5)), try number(0.5), try number(0))
      return try below(0.5, try number(1), edge)
    case .triangle: return try g.maximum(try g.sub(try number(1), x), try number(0))
    case .keyscubic:
      return try below(1, try polynomial([1.5, -2.5, 0, 1]), try below(2, try polynomial([-0.5, 2.5, -4, 2]), try number(0)))
    case .mitchellcubic:
      let outer = try polynomial([-7.0 / 18, 2, -10.0 / 3, 16.0 / 9])
      return try below(1, try polynomial([7.0 / 6, -2, 0, 8.0 / 9]), try below(2, outer, try number(0)))
    }
  }
}
