import ModelGraph
import ModelOps
import ModelTensor

extension ProjectiveTransformOp: DifferentiableOp {
  /// The transpose of what the op does to images, and the fill; transforms have no gradient, as in TensorFlow.
  ///
  /// TensorFlow moves the gradient by the inverse transform instead, which is the same where pixels fall onto pixels.
  public func pullback<C: OpContext>(_ call: Pullback<C.Value>, in c: inout C) throws -> [C.Value?] {
    let x = try call.x(0), maps = try call.x(1), g = try call.g(), extents = try c.extents(of: x)
    guard extents.count == 4 else { throw GraphError(.shapeMismatch, "ProjectiveTransform of \(c.type(of: x))") }
    var result = call.none
    let transposed = ProjectiveTransformGradientOp(of: self, height: extents[1], width: extents[2])
    if call.needs(0) { result[0] = try c.apply(transposed, maps, g) }
    if call.needs(3) {
      let ones = try c.expanded(try c.scalar(1, like: g), to: extents), size = try call.x(2)
      let covered = try c.apply(self, ones, maps, size, try c.scalar(0, like: g))
      let share = try c.shifted(try c.neg(covered), by: 1)
      result[3] = try c.reshaped(try c.reduce(.sum, try c.mul(g, share), axes: nil), like: try call.x(3))
    }
    return result
  }
}

/// The transpose of `ProjectiveTransformOp`. Inputs: `transforms`, `g`. Result: `[N, height, width, C]`.
public struct ProjectiveTransformGradientOp: PrimitiveOp, DifferentiableOp {
  public static let name = "ProjectiveTransformGradient"
  public static let family = OpFamily.image
  var forward: ProjectiveTransformOp
  var height: Int
  var width: Int
  init(of forward: ProjectiveTransformOp, height: Int, width: Int) {
    self.forward = forward
    self.height = height
    self.width = width
  }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let g = try inputs.required(1, of: self).type
    guard let dims = g.shape.dims, dims.count == 4 else { throw GraphError(.shapeMismatch, "ProjectiveTransformGradient of \(g)") }
    return [TensorType(g.dtype, .ranked([dims[0], .fixed(height), .fixed(width), dims[3]]))]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let maps = try inputs.required(0, of: self), g = try inputs.required(1, of: self)
    guard g.rank == 4, maps.rank == 2, maps.shape[1] == 8, maps.shape[0] == g.shape[0] || maps.shape[0] == 1 else {
      throw ExecutionError(.shapeMismatch, "ProjectiveTransformGradient of \(g.type) by \(maps.type)")
    }
    let channels = g.shape[3], shape = [g.shape[0], height, width, channels]
    try context.demand(.float64, shape)
    var out = [Double](repeating: 0, count: shape.reduce(1, *)), next = 0
    let slopes = g.doubles(), numbers = maps.doubles().map(Float.init)
    for batch in 0..<g.shape[0] {
      let m = Array(numbers[(maps.shape[0] == 1 ? 0 : batch * 8)...].prefix(8)), base = batch * height * width
      for row in 0..<g.shape[1] {
        for column in 0..<g.shape[2] {
          for tap in forward.taps(m, row: row, column: column, height, width) {
            for channel in 0..<channels { out[(base + tap.place) * channels + channel] += tap.weight * slopes[next + channel] }
          }
          next += channels
        }
      }
    }
    return [try NDArray(out, shape).cast(to: g.dtype, in: context)]
  }
  public func pullback<C: OpContext>(_ call: Pullback<C.Value>, in c: inout C) throws -> [C.Value?] {
    let extents = try c.extents(of: try call.x(1))
    return [
      nil, try c.apply(forward, try call.g(), try call.x(0), try c.ints([extents[1], extents[2]]), try c.scalar(0, like: try call.g())),
    ]
  }
}
