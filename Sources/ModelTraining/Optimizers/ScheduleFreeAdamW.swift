import ModelSupport
import OrderedCollections

/// AdamW that needs no schedule of its rate (Defazio and others, 2024).
public final class ScheduleFreeAdamW: ElementwiseOptimizer {
  public let beta1: Double, beta2: Double, epsilon: Double
  public let warmupSteps: Int
  private var momentums: [Variable] = [], velocities: [Variable] = []

  public init(
    learningRate: any LearningRate = 0.0025, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8, warmupSteps: Int = 0,
    options: [OptimizerOption]
  ) throws {
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    self.warmupSteps = warmupSteps
    try super.init(learningRate: learningRate, options: options)
  }
  public convenience init(
    learningRate: any LearningRate = 0.0025, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8, warmupSteps: Int = 0,
    _ options: OptimizerOption...
  ) throws {
    try self.init(learningRate: learningRate, beta1: beta1, beta2: beta2, epsilon: epsilon, warmupSteps: warmupSteps, options: options)
  }
  public override func makeState(for variables: [Variable]) throws {
    let slots = try addSlots(["momentum", "velocity"], for: variables)
    (momentums, velocities) = (slots[0], slots[1])
    // Keras on TensorFlow builds the optimiser of a compiled model while it traces the first step. What it assigns then is lost, and the
    // sequence starts at zero; curves follow what it does. Built by a call, or run eagerly, it starts at the weights.
    guard !isBuiltByCompiledStep else { return }
    for (momentum, variable) in zip(momentums, variables) { try momentum.assign(variable) }
  }
  public override func updateStep(_ gradient: Tensor, _ variable: Variable, learningRate: Tensor) throws {
    let index = try index(of: variable), dtype = variable.dtype
    let rate = try scalar("warm rate", dtype) {
      guard warmupSteps > 0 else { return learningRate }
      return try learningRate * (try stepNumber(dtype) / Double(warmupSteps)).minimum(1)
    }
    let scalars = try [
      rate, scalar("1 - power", dtype) { try 1 - power(beta2, dtype) }, scalar("weight", dtype) { try 1 / stepNumber(dtype) },
    ]
    try update(
      Rule(beta1: beta1, beta2: beta2, epsilon: epsilon), variable, gradient, slots: [momentums[index], velocities[index]],
      scalars: scalars, learningRate: learningRate)
  }
  public override var ownConfig: OrderedDictionary<String, JSONValue> {
    ["beta_1": .double(beta1), "beta_2": .double(beta2), "epsilon": .double(epsilon), "warmup_steps": .int(warmupSteps)]
  }

  private struct Rule: UpdateRule {
    let beta1: Double, beta2: Double, epsilon: Double
    var partSums: PartSums? { .squares }
    func apply(_ e: UpdateElements<Float>, _ s: UnsafeBufferPointer<Float>) { update(e, s) }
    func apply(_ e: UpdateElements<Double>, _ s: UnsafeBufferPointer<Double>) { update(e, s) }
    private func update<T: BinaryFloatingPoint>(_ e: UpdateElements<T>, _ s: UnsafeBufferPointer<T>) {
      let (rate, correction, share) = (s[0], s[1], s[2])
      let first = T(beta1), second = T(beta2), epsilon = T(epsilon)
      e.each { i, g, square in
        let z = e.slot0[i], v = e.slot1[i] + (square - e.slot1[i]) * (1 - second)
        let next = z - rate * g / ((v / correction).squareRoot() + epsilon)
        // The weight lies between the base sequence `z` and its running mean `x`, which is had back from it. Keras on TensorFlow
        // takes the next `z` for that where it means the last one; curves follow what it does.
        let x = (e.weight[i] - (1 - first) * next) / first
        let mean = (1 - share) * x + share * next
        e.weight[i] = (1 - first) * next + first * mean
        e.slot0[i] = next
        e.slot1[i] = v
      }
    }
  }
}
