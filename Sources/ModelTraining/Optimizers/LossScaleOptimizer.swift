import ModelSupport
import ModelTensor
import OrderedCollections

/// Scales losses so that small gradients survive half precision; an update with an infinite gradient is left out, and the
/// scale halved.
public final class LossScaleOptimizer: Optimizer {
  public let name: String
  public let inner: any Optimizer
  public let initialScale: Double
  /// So many updates without trouble, and the scale doubles.
  public let dynamicGrowthSteps: Int
  private let own: [Variable]
  private var counter: Variable { own[2] }
  private var scale: Variable { own[3] }

  public init(_ inner: any Optimizer, initialScale: Double = 32768, dynamicGrowthSteps: Int = 2000, name: String? = nil) throws {
    guard dynamicGrowthSteps > 0 else {
      throw TensorError(.invalidArgument, "LossScaleOptimizer: expected dynamic growth steps above 0, found \(dynamicGrowthSteps)")
    }
    self.inner = inner
    self.initialScale = initialScale
    self.dynamicGrowthSteps = dynamicGrowthSteps
    self.name = name ?? LayerNames.next(for: "LossScaleOptimizer")
    own = [
      try Variable(Tensor(NDArray(scalar: Int64(0))), name: "iteration", trainable: false),
      try Variable(0.0, name: "learning_rate", trainable: false),
      try Variable(Tensor(NDArray(scalar: Int64(0))), name: "step_counter", trainable: false),
      try Variable(initialScale, name: "dynamic_scale", trainable: false),
    ]
  }
  public var iterations: Variable { inner.iterations }
  public var variables: [Variable] { own + inner.variables }
  public func learningRate() throws -> Tensor { try inner.learningRate() }
  public func setLearningRate(_ rate: Double) throws { try inner.setLearningRate(rate) }
  public func build(_ variables: [Variable]) throws { try inner.build(variables) }
  public func scaleLoss(_ loss: Tensor) throws -> Tensor { try loss * scale.tensor.cast(to: loss.dtype) }
  public func finalizeVariableValues(_ variables: [Variable]) throws { try inner.finalizeVariableValues(variables) }

  public func apply(_ gradients: [Tensor?], to variables: [Variable]) throws {
    try inner.build(variables)
    var isFinite = Tensor([true])
    for case let gradient? in gradients {
      isFinite = try isFinite.logicalAnd(try gradient.isFinite().reduceAll())
    }
    isFinite = try isFinite.reshape([])
    let kept = (variables + inner.variables).map { ($0, $0.tensor) }
    let factor = scale.tensor, count = counter.tensor
    if try isFinite.isSymbolic || isFinite.item() != 0 {
      try inner.apply(try gradients.map { try $0?.gradientDivided(byScalar: factor) }, to: variables)
    }
    if isFinite.isSymbolic {
      for (variable, old) in kept {
        let new = variable.tensor
        if new.id != old.id { try variable.assign(try Tensor.where(isFinite, new, old)) }
      }
    }
    let isDue = try count .== Double(dynamicGrowthSteps - 1)
    let grown = try Tensor.where(isDue, try factor * 2, factor),
      next = try Tensor.where(isDue, try Tensor.zeros(like: count), try count + 1)
    try scale.assign(try Tensor.where(isFinite, grown, try factor * 0.5))
    try counter.assign(try Tensor.where(isFinite, next, try Tensor.zeros(like: count)))
  }
}
