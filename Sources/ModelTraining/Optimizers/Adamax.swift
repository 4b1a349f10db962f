import ModelSupport
import OrderedCollections

/// Adam with the infinity norm (Kingma and Ba, 2014).
public final class Adamax: ElementwiseOptimizer {
  public let beta1: Double, beta2: Double, epsilon: Double
  private var momentums: [Variable] = [], norms: [Variable] = []

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
    let slots = try addSlots(["momentum", "norm"], for: variables)
    (momentums, norms) = (slots[0], slots[1])
  }
  public override func updateStep(_ gradient: Tensor, _ variable: Variable, learningRate: Tensor) throws {
    let index = try index(of: variable), dtype = variable.dtype
    let correction = try scalar("1 - power", dtype) { try 1 - power(beta1, dtype) }
    try update(
      Rule(beta1: beta1, beta2: beta2, epsilon: epsilon), variable, gradient, slots: [momentums[index], norms[index]],
      scalars: [learningRate, correction], learningRate: learningRate)
  }
  public override var ownConfig: OrderedDictionary<String, JSONValue> {
    ["beta_1": .double(beta1), "beta_2": .double(beta2), "epsilon": .double(epsilon)]
  }

  private struct Rule: UpdateRule {
    let beta1: Double, beta2: Double, epsilon: Double
    var partSums: PartSums? { .magnitudes }
    func apply(_ e: UpdateElements<Float>, _ s: UnsafeBufferPointer<Float>) { update(e, s) }
    func apply(_ e: UpdateElements<Double>, _ s: UnsafeBufferPointer<Double>) { update(e, s) }
    private func update<T: BinaryFloatingPoint>(_ e: UpdateElements<T>, _ s: UnsafeBufferPointer<T>) {
      let rate = s[0], correction = s[1], first = T(1 - beta1), keep = T(beta2), epsilon = T(epsilon)
      for i in 0..<e.count {
        let g = e.gradient[i], m = e.slot0[i] + (g - e.slot0[i]) * first
        let u = Swift.max(keep * e.slot1[i], e.partSums.map { $0[i] } ?? Swift.abs(g))
        e.slot0[i] = m
        e.slot1[i] = u
        e.weight[i] -= rate * m / (correction * (u + epsilon))
      }
    }
  }
}
