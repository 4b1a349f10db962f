import ModelTensor

extension Fusing {
  /// Bounds what a reciprocal root is taken of instead of the root: XNNPACK, which LiteRT runs floats with, gives NaN for the root of 0
  /// (`x · min(1 / √Σ x², 1 / ε)`, a row of zeros set to length 1).
  ///
  ///     RSQRT(x) ── MINIMUM(c)        becomes      MAXIMUM(x, 1 / c²) ── RSQRT
  /// - Returns: whether it was so.
  mutating func boundBeforeRoot(_ place: Int) -> Bool {
    let step = frame.steps[place]
    guard step.inputs.count == 2, step.outputs.count == 1,
      let bound = step.inputs.first(where: { frame.entries[$0].constant != nil }),
      let root = step.inputs.first(where: { $0 != bound }), let before = soleProducer(root), frame.steps[before].builtin == .rsqrt,
      frame.entries[root].type.dtype == .float32, frame.entries[bound].type.dtype == .float32,
      let constant = frame.entries[bound].constant, constant.elementCount == 1, let limit = try? constant.array().doubles().first,
      limit > 0
    else { return false }
    let least = Float(1 / (limit * limit))
    guard least.isNormal else { return false }
    let floor = self.constant(Tensor(NDArray([least], constant.extents)), like: bound)
    frame.steps[before].builtin = .maximum
    frame.steps[before].inputs.append(floor)
    frame.steps[before].options = .maximumMinimumOptions(MaximumMinimumOptions())
    frame.steps[place].builtin = .rsqrt
    frame.steps[place].inputs = [root]
    frame.steps[place].options = .none
    uses[floor] = 1
    return true
  }
}
