import ModelGraph
import ModelOps
import ModelTensor

extension GridSampleOp: DecomposedForGradients {
  public func decomposeForGradients<C: OpContext>(_ inputs: [C.Value?], in c: inout C) throws -> [C.Value] {
    guard inputs.count == 2, let x = inputs[0], let grid = inputs[1] else {
      throw GraphError(.wrongInputCount, "GridSample takes an image and a grid")
    }
    let dims = try c.extents(of: x), places = try c.extents(of: grid), n = dims.count - 2
    guard n >= 1, places.count == dims.count, places[0] == dims[0], places.last == n, !dims.contains(0), dims.count < 16 else {
      throw GraphError(.shapeMismatch, "GridSample of \(c.type(of: x)) at \(c.type(of: grid))")
    }
    let extents = Array(dims[2...]), volume = extents.reduce(1, *), channels = dims[1]
    let out = Array(places[1..<(places.count - 1)]), positions = out.reduce(1, *)
    let coordinates = try c.cast(try c.reshaped(grid, [dims[0], positions, n]), to: c.type(of: x).dtype)
    var lines: [[C.Tap]] = []
    for axis in 0..<n {
      let column = try c.slice(coordinates, axis: 2, start: n - 1 - axis, end: n - axis)
      lines.append(try taps(try c.reshaped(column, [dims[0], positions]), extent: extents[axis], in: &c))
    }
    let last = try c.transpose(x, [0] + Array(2..<dims.count) + [1])
    let rows = try c.reshaped(last, [dims[0] * volume, channels])
    let sum = try c.sampled(rows, first: try c.firstRows(dims[0], volume: volume, rank: 2), lines: lines, extents: extents)
    return [try c.reshaped(try c.transpose(sum, [0, 2, 1]), [dims[0], channels] + out)]
  }

  /// The elements of a line that coordinates in −1…1 stand for.
  private func taps<C: OpContext>(_ coordinate: C.Value, extent: Int, in c: inout C) throws -> [C.Tap] {
    let length = Double(extent), border = alignCorners ? (0, length - 1) : (-0.5, length - 0.5)
    var place =
      alignCorners
      ? try c.scaled(try c.shifted(coordinate, by: 1), by: (length - 1) / 2)
      : try c.shifted(try c.scaled(coordinate, by: length / 2), by: (length - 1) / 2)
    if mode == .nearest { place = try c.apply(RoundOp(), place) }
    // Far away it is all the same, and an index stays a number.
    place = try c.clip(place, min: -0x1p30, max: 0x1p30)
    let clamps = padding != .zeros
    if padding == .border, mode != .cubic { place = try c.clip(place, min: 0, max: length - 1) }
    if padding == .reflection { place = try reflected(place, border, in: &c) }
    switch mode {
    case .nearest: return [try c.tap(place, try c.scalar(1, like: place), extent: extent, clamps: clamps)]
    case .linear: return try c.linearTaps(place, extent: extent, clamps: clamps)
    case .cubic:
      let low = try c.apply(FloorOp(), place), ratio = try c.sub(place, low)
      return try (-1...2).map { offset in
        var index = try c.shifted(low, by: Double(offset))
        if padding == .reflection { index = try reflected(index, border, in: &c) }
        let weight = try cubic(try c.shifted(ratio, by: Double(-offset)), isNear: offset == 0 || offset == 1, in: &c)
        return try c.tap(index, weight, extent: extent, clamps: clamps)
      }
    }
  }

  /// Keys' kernel with a = −0.75 of a signed distance.
  private func cubic<C: OpContext>(_ signed: C.Value, isNear: Bool, in c: inout C) throws -> C.Value {
    let x = try c.apply(AbsOp(), signed), a = -0.75
    func horner(_ factors: [Double], in c: inout C) throws -> C.Value {
      var sum = try c.scaled(x, by: factors[0])
      for factor in factors.dropFirst().dropLast() { sum = try c.mul(try c.shifted(sum, by: factor), x) }
      return try c.shifted(sum, by: factors[factors.count - 1])
    }
    return isNear ? try horner([a + 2, -(a + 3), 0, 1], in: &c) : try horner([a, -5 * a, 8 * a, -4 * a], in: &c)
  }

  /// Places outside the border mirrored at it, as often as it takes.
  private func reflected<C: OpContext>(_ place: C.Value, _ border: (Double, Double), in c: inout C) throws -> C.Value {
    let range = border.1 - border.0
    guard range > 0 else { return try c.scaled(place, by: 0) }
    // A triangle wave: the distance from the lower border, modulo there and back.
    let from = try c.apply(AbsOp(), try c.shifted(place, by: -border.0))
    let turns = try c.apply(FloorOp(), try c.scaled(from, by: 1 / (2 * range)))
    let rest = try c.sub(from, try c.scaled(turns, by: 2 * range))
    let mirrored = try c.shifted(try c.neg(try c.apply(AbsOp(), try c.shifted(rest, by: -range))), by: range)
    return try c.shifted(mirrored, by: border.0)
  }
}
