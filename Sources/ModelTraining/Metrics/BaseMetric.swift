import ModelSupport
import ModelTensor
import OrderedCollections

/// What metrics with variables share.
open class BaseMetric: Metric {
  public let name: String
  public private(set) var variables: [Variable] = []
  public init(name: String?) throws { self.name = name ?? LayerNames.next(for: String(describing: Self.self)) }

  /// A variable of zeros to gather in.
  public func addVariable(_ name: String, shape: [Int] = [], dtype: DType = .float32) throws -> Variable {
    let variable = try Variable(try Tensor.zeros(shape, dtype: dtype), name: name, trainable: false)
    variables.append(variable)
    return variable
  }
  func append(_ variable: Variable) { variables.append(variable) }
  open func updateState(_ yTrue: Tensor, _ yPred: Tensor, sampleWeight: Tensor?) throws {
    throw TensorError(.notSupported, "\(type(of: self)) does not say what it gathers: override updateState")
  }
  open func result() throws -> Tensor {
    throw TensorError(.notSupported, "\(type(of: self)) does not say what it gives: override result")
  }
  open func resetState() throws { for variable in variables { try variable.assign(0) } }
  open var ownConfig: OrderedDictionary<String, JSONValue> { [:] }
  open var direction: MetricDirection? { Metrics.direction(ofClass: String(describing: Swift.type(of: self))) }
}

extension Metric {
  /// What a name stands for where messages speak of it.
  func invalid(_ what: String) -> TensorError { TensorError(.invalidArgument, "\(name): \(what)") }
}
