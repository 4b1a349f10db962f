import ModelTensor

/// Makes the first values of a weight.
public protocol Initializer: Sendable {
  func callAsFunction(_ shape: [Int], dtype: DType) throws -> Tensor
}
