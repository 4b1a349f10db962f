import ModelGraph
import ModelOps
import ModelTensor

extension ResizeOp: DifferentiableOp {
  /// Resampling is linear along each axis: what it makes of the unit vectors is its matrix.
  public func pullback<C: OpContext>(_ call: Pullback<C.Value>, in c: inout C) throws -> [C.Value?] {
    guard coordinateMode != .tfCropAndResize, aspect == .stretch else {
      throw GraphError(.invalidStructure, "Resize of a region, or to bounds, has no gradient")
    }
    let from = try c.extents(of: try call.x())
    var g = try call.g()
    let to = try c.extents(of: g), listed = try (axes ?? Array(from.indices)).map { try normalizeAxis($0, rank: from.count) }
    let scales = call.inputs.count > 2 ? call.inputs[2] : nil
    let usesScales = scales.map { c.type(of: $0).shape.elementCount != 0 } ?? false
    for (index, axis) in listed.enumerated() where to[axis] != from[axis] {
      var one = self
      one.axes = [0]
      let units = try c.apply(EyeLikeOp(), try c.zeros([from[axis], from[axis]], dtype: c.type(of: g).dtype))
      var part: C.Value?
      if usesScales, let scales { part = try c.slice(scales, axis: 0, start: index, end: index + 1) }
      let matrix = try c.apply(one, units, nil, part, usesScales ? nil : try c.ints([to[axis]]))
      let last = from.count - 1
      var order = Array(from.indices)
      order.swapAt(axis, last)
      let turned = axis == last ? g : try c.transpose(g, order)
      let product = try c.matmul(turned, matrix)
      g = axis == last ? product : try c.transpose(product, order)
    }
    var result = call.none
    result[0] = g
    return result
  }
}

extension AffineGridOp: DecomposedForGradients {
  public func decomposeForGradients<C: OpContext>(_ inputs: [C.Value?], in c: inout C) throws -> [C.Value] {
    guard inputs.count == 2, let theta = inputs[0], let given = inputs[1], let size = c.fact(of: given).integers, size.count >= 4 else {
      throw GraphError(.missingType, "AffineGrid takes a matrix and a size that is known")
    }
    let n = size.count - 2, spatial = Array(size[2...]), positions = spatial.reduce(1, *)
    var steps = [Int](repeating: 1, count: n)
    for axis in (0..<(n - 1)).reversed() { steps[axis] = steps[axis + 1] * spatial[axis + 1] }
    func coordinate(_ i: Int, _ extent: Int) -> Double {
      if alignCorners { return extent == 1 ? -1 : -1 + 2 * Double(i) / Double(extent - 1) }
      return -1 + (2 * Double(i) + 1) / Double(extent)
    }
    var places: [Double] = []
    for position in 0..<positions {
      for k in 0..<n {
        let axis = n - 1 - k
        places.append(coordinate(position / steps[axis] % spatial[axis], spatial[axis]))
      }
      places.append(1)
    }
    let base = try c.cast(try c.constant(NDArray(places, [positions, n + 1])), to: c.type(of: theta).dtype)
    let grid = try c.matmul(base, theta, transposeB: true)
    return [try c.reshaped(grid, [size[0]] + spatial + [n])]
  }
}

extension CenterCropPadOp: LinearRule {
  public func transposed<C: OpContext>(_ g: C.Value, _ call: Pullback<C.Value>, in c: inout C) throws -> C.Value {
    let from = try c.extents(of: try call.x()), to = try c.extents(of: g)
    var before: [Int] = [], after: [Int] = []
    for (old, new) in zip(from, to) {
      before.append(-((new - old) / 2))
      after.append(-(new - old - (new - old) / 2))
    }
    return try c.pad(g, before: before, after: after)
  }
}
