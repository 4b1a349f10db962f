import ModelSupport
import OrderedCollections

/// Adam whose step for each variable is as long as the variable (You and others, 2019).
public final class Lamb: BaseOptimizer {
  public let beta1: Double, beta2: Double, epsilon: Double
  private var momentums: [Variable] = [], velocities: [Variable] = []

  public init(
    learningRate: any LearningRate = 0.001, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-7,
    options: [OptimizerOption]
  ) throws {
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    try super.init(learningRate: learningRate, options: options)
  }
  public convenience init(
    learningRate: any LearningRate = 0.001, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-7,
    _ options: OptimizerOption...
  ) throws {
    try self.init(learningRate: learningRate, beta1: beta1, beta2: beta2, epsilon: epsilon, options: options)
  }
  public override func makeState(for variables: [Variable]) throws {
    let slots = try addSlots(["momentum", "velocity"], for: variables)
    (momentums, velocities) = (slots[0], slots[1])
  }
  public override func updateStep(_ gradient: Tensor, _ variable: Variable, learningRate: Tensor) throws {
    let index = try index(of: variable), dtype = variable.dtype, m = momentums[index], v = velocities[index]
    try m.assignAdd(try (gradient - m) * (1 - beta1))
    try v.assignAdd(try (gradient.gradientSquared() - v) * (1 - beta2))
    let mean = try m / (1 - power(beta1, dtype)), root = try (v / (1 - power(beta2, dtype))).sqrt() + epsilon
    let step = try mean / root
    let length = try variable.square().reduceSum().sqrt(), stepLength = try step.square().reduceSum().sqrt()
    let one = try Tensor.ones([], dtype: dtype)
    let isUsable = try (try length .> 0).logicalAnd(try stepLength .> 0)
    let ratio = try Tensor.where(isUsable, try length / Tensor.where(isUsable, stepLength, one), one)
    try variable.assignSub(try ratio * learningRate * step)
  }
  public override var ownConfig: OrderedDictionary<String, JSONValue> {
    ["beta_1": .double(beta1), "beta_2": .double(beta2), "epsilon": .double(epsilon)]
  }
}
