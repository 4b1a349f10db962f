import ModelTensor

/// Changes variables so that a loss falls.
///
/// All state is in variables, and all arithmetic in operations on tensors, so that a training step can be traced.
public protocol Optimizer: AnyObject {
  /// As Keras names it: `adam`.
  var name: String { get }
  /// How many updates were made; int64.
  var iterations: Variable { get }
  /// The rate of the next update, a float32 scalar.
  func learningRate() throws -> Tensor
  /// The optimiser's own variables in Keras's order: `iterations`, `learning_rate`, then those of each trained variable.
  var variables: [Variable] { get }
  /// Makes the state for these variables; called once, before anything is traced.
  func build(_ variables: [Variable]) throws
  /// One update. Variables without a gradient stay as they are.
  func apply(_ gradients: [Tensor?], to variables: [Variable]) throws
}
