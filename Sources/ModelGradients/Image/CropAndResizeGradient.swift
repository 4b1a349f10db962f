import ModelGraph
import ModelOps
import ModelTensor

extension CropAndResizeOp: DecomposedForGradients {
  public func decomposeForGradients<C: OpContext>(_ inputs: [C.Value?], in c: inout C) throws -> [C.Value] {
    guard inputs.count > 3, let given = inputs[0], let boxes = inputs[1], let chosen = inputs[2], let count = inputs[3],
      let size = c.fact(of: count).integers, size.count == 2, size.allSatisfy({ $0 > 0 })
    else { throw GraphError(.missingType, "the gradient of CropAndResize needs a size that is known") }
    let x = try c.cast(given, to: .float32), dims = try c.extents(of: x), boxCount = try c.extents(of: boxes).first ?? 0
    guard dims.count == 4, dims[1] > 0, dims[2] > 0 else { throw GraphError(.shapeMismatch, "CropAndResize of \(c.type(of: x))") }
    let corners = try c.cast(boxes, to: .float32)
    var lines: [[C.Tap]] = [], inside: C.Value?
    for axis in 0..<2 {
      let extent = dims[1 + axis], last = Double(extent - 1), steps = size[axis]
      let start = try c.slice(corners, axis: 1, start: axis, end: axis + 1),
        end = try c.slice(corners, axis: 1, start: axis + 2, end: axis + 3)
      var place: C.Value
      if steps > 1 {
        let step = try c.scaled(try c.sub(end, start), by: last / Double(steps - 1))
        let numbers = try c.numbers((0..<steps).map(Double.init), [1, steps], dtype: .float32)
        place = try c.add(try c.scaled(start, by: last), try c.mul(numbers, step))
      } else {
        place = try c.scaled(try c.add(start, end), by: 0.5 * last)
      }
      place = try c.reshaped(place, axis == 0 ? [boxCount, steps, 1] : [boxCount, 1, steps])
      let isInside = try c.apply(EqualOp(), try c.clip(place, min: 0, max: last), place)
      inside = try inside.map { try c.apply(LogicalAndOp(), $0, isInside) } ?? isInside
      lines.append(try taps(place, extent, in: &c))
    }
    let volume = dims[1] * dims[2], rows = try c.reshaped(x, [dims[0] * volume, dims[3]])
    let first = try c.mul(try c.cast(try c.reshaped(chosen, [boxCount, 1, 1]), to: .int64), try c.scalar(Double(volume), dtype: .int64))
    let sum = try c.sampled(rows, first: first, lines: lines, extents: [dims[1], dims[2]])
    guard let inside else { return [sum] }
    return [try c.select(try c.unsqueeze(inside, [3]), sum, try c.scalar(extrapolation, like: sum))]
  }

  /// The elements before and after a place, which may be one and the same.
  private func taps<C: OpContext>(_ place: C.Value, _ extent: Int, in c: inout C) throws -> [C.Tap] {
    if nearest {
      let whole = try c.apply(FloorOp(), try c.shifted(place, by: 0.5))
      return [try c.tap(whole, try c.scalar(1, like: place), extent: extent, clamps: true)]
    }
    let low = try c.apply(FloorOp(), place), ratio = try c.sub(place, low)
    return [
      try c.tap(low, try c.shifted(try c.neg(ratio), by: 1), extent: extent, clamps: true),
      try c.tap(try c.apply(CeilOp(), place), ratio, extent: extent, clamps: true),
    ]
  }
}
