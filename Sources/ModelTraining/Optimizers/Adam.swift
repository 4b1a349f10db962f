import ModelSupport
import OrderedCollections

/// Adaptive moments (Kingma and Ba, 2014), with AMSGrad if wished.
open class Adam: ElementwiseOptimizer {
  public let beta1: Double, beta2: Double, epsilon: Double
  public let amsgrad: Bool
  private var momentums: [Variable] = [], velocities: [Variable] = [], largest: [Variable] = []

  public init(
    learningRate: any LearningRate = 0.001, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-7, amsgrad: Bool = false,
    options: [OptimizerOption]
  ) throws {
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    self.amsgrad = amsgrad
    try super.init(learningRate: learningRate, options: options)
  }
  public convenience init(
    learningRate: any LearningRate = 0.001, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-7, amsgrad: Bool = false,
    _ options: OptimizerOption...
  ) throws {
    try self.init(learningRate: learningRate, beta1: beta1, beta2: beta2, epsilon: epsilon, amsgrad: amsgrad, options: options)
  }
  open override func makeState(for variables: [Variable]) throws {
    let slots = try addSlots(["momentum", "velocity"], for: variables)
    (momentums, velocities) = (slots[0], slots[1])
    if amsgrad { largest = try addSlots(["velocity_hat"], for: variables)[0] }
  }
  open override func updateStep(_ gradient: Tensor, _ variable: Variable, learningRate: Tensor) throws {
    let index = try index(of: variable), dtype = variable.dtype
    let alpha = try scalar("alpha", dtype) {
      try learningRate * (1 - power(beta2, dtype)).sqrt() / (1 - power(beta1, dtype))
    }
    let slots = [momentums[index], velocities[index]] + (amsgrad ? [largest[index]] : [])
    try update(
      AdamRule(beta1: beta1, beta2: beta2, epsilon: epsilon, amsgrad: amsgrad), variable, gradient, slots: slots, scalars: [alpha],
      learningRate: learningRate)
  }
  open override var ownConfig: OrderedDictionary<String, JSONValue> {
    ["beta_1": .double(beta1), "beta_2": .double(beta2), "epsilon": .double(epsilon), "amsgrad": .bool(amsgrad)]
  }
}

struct AdamRule: UpdateRule {
  var partSums: PartSums? { .squares }
  let beta1: Double, beta2: Double, epsilon: Double, amsgrad: Bool
  func apply(_ e: UpdateElements<Float>, _ s: UnsafeBufferPointer<Float>) { update(e, s) }
  func apply(_ e: UpdateElements<Double>, _ s: UnsafeBufferPointer<Double>) { update(e, s) }
  private func update<T: BinaryFloatingPoint>(_ e: UpdateElements<T>, _ s: UnsafeBufferPointer<T>) {
    let alpha = s[0], first = T(1 - beta1), second = T(1 - beta2), epsilon = T(epsilon)
    e.each { i, g, square in
      let m = e.slot0[i] + (g - e.slot0[i]) * first
      var v = e.slot1[i] + (square - e.slot1[i]) * second
      e.slot0[i] = m
      e.slot1[i] = v
      if amsgrad {
        v = Swift.max(e.slot2[i], v)
        e.slot2[i] = v
      }
      e.weight[i] -= m * alpha / (v.squareRoot() + epsilon)
    }
  }
}
