import ModelSupport
import ModelTensor
import OrderedCollections

/// A figure that is gathered over batches.
public protocol Metric: AnyObject, MetricIdentifier {
  /// As Keras names it: `mean_squared_error`.
  var name: String { get }
  /// What it gathers in, in Keras's order.
  var variables: [Variable] { get }
  func updateState(_ yTrue: Tensor, _ yPred: Tensor, sampleWeight: Tensor?) throws
  /// The figure for what was gathered since the last reset.
  func result() throws -> Tensor
  func resetState() throws
  /// Its own arguments as Keras writes them, without the name.
  var ownConfig: OrderedDictionary<String, JSONValue> { get }
  /// Whether more or less of it is better; `nil` when that can't be said.
  var direction: MetricDirection? { get }
}

/// A metric whose variables have a place for each class: the first predictions tell how many there are.
protocol ClasswiseMetric: Metric {
  /// Makes the variables, once.
  func build(classes: Int) throws
}

extension Metric {
  public var direction: MetricDirection? { Metrics.direction(ofClass: String(describing: type(of: self))) }
  public func updateState(_ yTrue: Tensor, _ yPred: Tensor) throws { try updateState(yTrue, yPred, sampleWeight: nil) }
  /// All variables zero.
  public func resetState() throws { for variable in variables { try variable.assign(0) } }
  public var ownConfig: OrderedDictionary<String, JSONValue> { [:] }
}

/// Metrics by Keras's names (`keras.metrics`).
public enum Metrics {
  static let epsilon = 1e-7
}
