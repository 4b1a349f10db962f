import ModelTensor

/// A figure that is gathered over batches.
public protocol Metric: AnyObject {
  /// As Keras names it: `mean_squared_error`.
  var name: String { get }
  /// What it gathers in, in Keras's order.
  var variables: [Variable] { get }
  func updateState(_ yTrue: Tensor, _ yPred: Tensor, sampleWeight: Tensor?) throws
  /// The figure for what was gathered since the last reset.
  func result() throws -> Tensor
  func resetState() throws
}

extension Metric {
  public func updateState(_ yTrue: Tensor, _ yPred: Tensor) throws { try updateState(yTrue, yPred, sampleWeight: nil) }
  /// All variables zero.
  public func resetState() throws { for variable in variables { try variable.assign(0) } }
}
