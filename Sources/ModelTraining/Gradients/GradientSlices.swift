import ModelTensor

/// A gradient of the rows of a table by its parts: one for each look-up (TensorFlow's `IndexedSlices`).
final class GradientSlices: Sendable {
  let indices: Tensor
  let values: Tensor
  let count: Int
  init(indices: Tensor, values: Tensor, count: Int) {
    self.indices = indices
    self.values = values
    self.count = count
  }
}

extension Tensor {
  /// The squares of a gradient as Keras's optimisers on TensorFlow take them: for a table whose rows were looked up, those of the parts, which are
  /// summed after squaring when a row was looked up several times.
  public func gradientSquared() throws -> Tensor {
    guard let slices else { return try square() }
    return try Tensor.scatterAdd(try slices.values.square(), at: slices.indices, count: slices.count)
  }
}
