import ModelGradients
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

  /// The table of a gradient with other parts at the same rows; it knows them in turn.
  func withValues(_ values: Tensor) throws -> Tensor { try Dispatch.one(GatherGradientOp(axis: 0, extent: count), indices, values) }
}

/// Keras's optimisers on TensorFlow take the gradient of a table whose rows were looked up part by part, and add up what they make of the parts:
/// a row that was looked up several times has several.
extension Tensor {
  /// The squares of a gradient.
  public func gradientSquared() throws -> Tensor { try slices.map { try $0.withValues(try $0.values.square()) } ?? square() }
  /// The magnitudes of a gradient.
  func gradientMagnitude() throws -> Tensor { try slices.map { try $0.withValues(try $0.values.abs()) } ?? abs() }
  /// A gradient divided by a tensor of its shape: rows that were not looked up stay zero whatever they are divided by.
  func gradientDivided(by divisor: Tensor) throws -> Tensor {
    try slices.map { try $0.withValues(try $0.values / divisor.gather($0.indices)) } ?? self / divisor
  }
  /// A gradient divided by one number; its parts are too.
  func gradientDivided(byScalar divisor: Tensor) throws -> Tensor {
    try slices.map { try $0.withValues(try $0.values / divisor.cast(to: $0.values.dtype)) } ?? self / divisor.cast(to: dtype)
  }
  /// A gradient within bounds.
  func gradientClipped(to bound: Double) throws -> Tensor {
    try slices.map { try $0.withValues(try $0.values.clip(min: -bound, max: bound)) } ?? clip(min: -bound, max: bound)
  }
  /// A gradient that is no longer than `norm`.
  func gradientShortened(to norm: Double) throws -> Tensor {
    let length = try gradientSquared().reduceSum().sqrt().maximum(norm)
    return try slices.map { try $0.withValues(try $0.values * norm / length) } ?? self * norm / length
  }
}
