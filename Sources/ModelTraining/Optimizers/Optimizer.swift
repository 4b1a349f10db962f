import ModelTensor

/// Changes variables so that a loss falls.
///
/// All state is in variables, and all arithmetic in operations on tensors, so that a training step can be traced.
public protocol Optimizer: AnyObject, OptimizerIdentifier {
  /// As Keras names it: `adam`.
  var name: String { get }
  /// How many updates were made; int64.
  var iterations: Variable { get }
  /// The rate of the next update, a float32 scalar.
  func learningRate() throws -> Tensor
  /// Another constant rate from now on.
  /// - Throws: `TensorError` when a schedule sets the rate.
  func setLearningRate(_ rate: Double) throws
  /// The optimiser's own variables in Keras's order: `iterations`, `learning_rate`, then those of each trained variable.
  var variables: [Variable] { get }
  /// Makes the state for these variables; called once, before anything is traced.
  func build(_ variables: [Variable]) throws
  /// One update. Variables without a gradient stay as they are.
  func apply(_ gradients: [Tensor?], to variables: [Variable]) throws
  /// The loss as gradients are to be taken of it, scaled where the optimiser scales gradients down again.
  func scaleLoss(_ loss: Tensor) throws -> Tensor
  /// At the end of training: variables become their moving averages, if the optimiser keeps these.
  func finalizeVariableValues(_ variables: [Variable]) throws
}

extension Optimizer {
  public func setLearningRate(_ rate: Double) throws {
    throw TensorError(.notSupported, "the learning rate of '\(name)' can't be set")
  }
  public func scaleLoss(_ loss: Tensor) throws -> Tensor { loss }
  public func finalizeVariableValues(_ variables: [Variable]) throws {}
}
