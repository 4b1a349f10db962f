/// A penalty on a weight that is added to the loss.
public protocol Regularizer: Sendable {
  func callAsFunction(_ weight: Tensor) throws -> Tensor
}

/// What a weight is brought to after each update.
public protocol Constraint: Sendable {
  func callAsFunction(_ weight: Tensor) throws -> Tensor
}
