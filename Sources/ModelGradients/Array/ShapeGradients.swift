import ModelGraph
import ModelOps
import ModelTensor

extension IdentityOp: DifferentiableOp {
  public func pullback<C: OpContext>(_ call: Pullback<C.Value>, in context: inout C) throws -> [C.Value?] {
    stopsGradient || !call.needs(0) ? call.none : [try call.g()]
  }
}
extension ReshapeOp: LinearRule {
  public func transposed<C: OpContext>(_ g: C.Value, _ call: Pullback<C.Value>, in c: inout C) throws -> C.Value {
    try c.reshaped(g, like: try call.x())
  }
}
extension SqueezeOp: LinearRule {
  public func transposed<C: OpContext>(_ g: C.Value, _ call: Pullback<C.Value>, in c: inout C) throws -> C.Value {
    try c.reshaped(g, like: try call.x())
  }
}
extension UnsqueezeOp: LinearRule {
  public func transposed<C: OpContext>(_ g: C.Value, _ call: Pullback<C.Value>, in c: inout C) throws -> C.Value {
    try c.reshaped(g, like: try call.x())
  }
}
extension FlattenOp: LinearRule {
  public func transposed<C: OpContext>(_ g: C.Value, _ call: Pullback<C.Value>, in c: inout C) throws -> C.Value {
    try c.reshaped(g, like: try call.x())
  }
}
extension ExpandOp: LinearRule {
  public func transposed<C: OpContext>(_ g: C.Value, _ call: Pullback<C.Value>, in c: inout C) throws -> C.Value {
    try c.unbroadcast(g, to: try call.x())
  }
}
extension CastOp: LinearRule {
  public func transposed<C: OpContext>(_ g: C.Value, _ call: Pullback<C.Value>, in c: inout C) throws -> C.Value {
    try c.cast(g, to: c.type(of: try call.x()).dtype)
  }
}
extension TransposeOp: LinearRule {
  public func transposed<C: OpContext>(_ g: C.Value, _ call: Pullback<C.Value>, in c: inout C) throws -> C.Value {
    let rank = try c.rank(of: g)
    let order = permutation.isEmpty ? Array((0..<rank).reversed()) : permutation
    var inverse = order
    for (place, axis) in order.enumerated() where inverse.indices.contains(axis) { inverse[axis] = place }
    return try c.transpose(g, inverse)
  }
}
extension ReverseOp: LinearRule {
  public func transposed<C: OpContext>(_ g: C.Value, _ call: Pullback<C.Value>, in c: inout C) throws -> C.Value {
    try c.apply(self, g)
  }
}
extension ReverseSequenceOp: LinearRule {
  public func transposed<C: OpContext>(_ g: C.Value, _ call: Pullback<C.Value>, in c: inout C) throws -> C.Value {
    try c.apply(self, g, try call.x(1))
  }
}
extension TriluOp: LinearRule {
  public func transposed<C: OpContext>(_ g: C.Value, _ call: Pullback<C.Value>, in c: inout C) throws -> C.Value {
    try c.apply(self, g, call.inputs.count > 1 ? call.inputs[1] : nil)
  }
}
extension TileOp: LinearRule {
  public func transposed<C: OpContext>(_ g: C.Value, _ call: Pullback<C.Value>, in c: inout C) throws -> C.Value {
    let extents = try c.extents(of: try call.x()), all = try c.extents(of: g)
    // Each axis as repeats and extent, the repeats summed.
    let split = zip(all, extents).flatMap { [$1 == 0 ? 0 : $0 / $1, $1] }
    let sum = try c.reduce(.sum, try c.reshaped(g, split), axes: Array(stride(from: 0, to: split.count, by: 2)))
    return extents.isEmpty ? g : try c.reshaped(sum, extents)
  }
}
extension ConcatOp: DifferentiableOp {
  public func pullback<C: OpContext>(_ call: Pullback<C.Value>, in c: inout C) throws -> [C.Value?] {
    let g = try call.g(), axis = try normalizeAxis(axis, rank: try c.rank(of: g))
    var start = 0
    return try call.inputs.indices.map { index in
      let extents = try c.extents(of: try call.x(index))
      defer { start += extents[axis] }
      guard call.needs(index) else { return nil }
      return try c.slice(g, axis: axis, start: start, end: start + extents[axis])
    }
  }
}
extension SplitOp: DifferentiableOp {
  public func pullback<C: OpContext>(_ call: Pullback<C.Value>, in c: inout C) throws -> [C.Value?] {
    let parts = try call.outputs.indices.map { index in try call.gradients[index] ?? c.zeros(like: call.outputs[index]) }
    var result = call.none
    result[0] = try c.concat(parts, axis: axis)
    return result
  }
}
extension DepthToSpaceOp: DecomposedForGradients {
  public func decomposeForGradients<C: OpContext>(_ inputs: [C.Value?], in c: inout C) throws -> [C.Value] {
    guard let x = inputs.first ?? nil else { throw GraphError(.wrongInputCount, "DepthToSpace takes a tensor") }
    let e = try c.extents(of: x), b = blockSize
    guard e.count == 4, b > 0 else { throw GraphError(.shapeMismatch, "DepthToSpace of rank \(e.count)") }
    let last = layout == .channelsLast
    let (n, h, w, channels) = last ? (e[0], e[1], e[2], e[3] / (b * b)) : (e[0], e[2], e[3], e[1] / (b * b))
    switch (last, mode) {
    case (true, .dcr):
      let split = try c.reshaped(x, [n, h, w, b, b, channels])
      return [try c.reshaped(try c.transpose(split, [0, 1, 3, 2, 4, 5]), [n, h * b, w * b, channels])]
    case (true, .crd):
      let split = try c.reshaped(x, [n, h, w, channels, b, b])
      return [try c.reshaped(try c.transpose(split, [0, 1, 4, 2, 5, 3]), [n, h * b, w * b, channels])]
    case (false, .dcr):
      let split = try c.reshaped(x, [n, b, b, channels, h, w])
      return [try c.reshaped(try c.transpose(split, [0, 3, 4, 1, 5, 2]), [n, channels, h * b, w * b])]
    case (false, .crd):
      let split = try c.reshaped(x, [n, channels, b, b, h, w])
      return [try c.reshaped(try c.transpose(split, [0, 1, 4, 2, 5, 3]), [n, channels, h * b, w * b])]
    }
  }
}
extension SpaceToDepthOp: LinearRule {
  public func transposed<C: OpContext>(_ g: C.Value, _ call: Pullback<C.Value>, in c: inout C) throws -> C.Value {
    try c.apply(DepthToSpaceOp(blockSize: blockSize, layout: layout), g)
  }
}
