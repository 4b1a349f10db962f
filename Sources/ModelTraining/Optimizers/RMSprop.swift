import ModelSupport
import OrderedCollections

/// Divides gradients by the root of a moving average of their squares (Hinton, 2012).
public final class RMSprop: ElementwiseOptimizer {
  public let rho: Double, momentum: Double, epsilon: Double
  /// Whether the variance is taken instead of the mean square.
  public let centered: Bool
  private var velocities: [Variable] = [], momentums: [Variable] = [], averages: [Variable] = []

  public init(
    learningRate: any LearningRate = 0.001, rho: Double = 0.9, momentum: Double = 0, epsilon: Double = 1e-7, centered: Bool = false,
    options: [OptimizerOption]
  ) throws {
    self.rho = rho
    self.momentum = momentum
    self.epsilon = epsilon
    self.centered = centered
    try super.init(learningRate: learningRate, options: options)
  }
  public convenience init(
    learningRate: any LearningRate = 0.001, rho: Double = 0.9, momentum: Double = 0, epsilon: Double = 1e-7, centered: Bool = false,
    _ options: OptimizerOption...
  ) throws {
    try self.init(learningRate: learningRate, rho: rho, momentum: momentum, epsilon: epsilon, centered: centered, options: options)
  }
  public override func makeState(for variables: [Variable]) throws {
    velocities = try addSlots(["velocity"], for: variables)[0]
    if momentum > 0 { momentums = try addSlots(["momentum"], for: variables)[0] }
    if centered { averages = try addSlots(["average_gradient"], for: variables)[0] }
  }
  public override func updateStep(_ gradient: Tensor, _ variable: Variable, learningRate: Tensor) throws {
    let index = try index(of: variable)
    let slots = [velocities[index]] + (centered ? [averages[index]] : []) + (momentum > 0 ? [momentums[index]] : [])
    let rule = Rule(rho: rho, momentum: momentum, epsilon: epsilon, centered: centered)
    try update(rule, variable, gradient, slots: slots, scalars: [learningRate], learningRate: learningRate)
  }
  public override var ownConfig: OrderedDictionary<String, JSONValue> {
    ["rho": .double(rho), "momentum": .double(momentum), "epsilon": .double(epsilon), "centered": .bool(centered)]
  }

  private struct Rule: UpdateRule {
    var partSums: PartSums? { .squares }
    let rho: Double, momentum: Double, epsilon: Double, centered: Bool
    func apply(_ e: UpdateElements<Float>, _ s: UnsafeBufferPointer<Float>) { update(e, s) }
    func apply(_ e: UpdateElements<Double>, _ s: UnsafeBufferPointer<Double>) { update(e, s) }
    private func update<T: BinaryFloatingPoint>(_ e: UpdateElements<T>, _ s: UnsafeBufferPointer<T>) {
      let rate = s[0], keep = T(rho), take = T(1 - rho), epsilon = T(epsilon), momentum = T(momentum)
      let averages = e.slot1, hasMomentum = momentum > 0
      let moving = centered ? e.slot2 : e.slot1
      e.each { i, g, square in
        let v = keep * e.slot0[i] + take * square
        e.slot0[i] = v
        var denominator = v + epsilon
        if centered {
          let average = keep * averages[i] + take * g
          averages[i] = average
          denominator = v - average * average + epsilon
        }
        let increment = rate * g / denominator.squareRoot()
        if hasMomentum {
          let m = momentum * moving[i] + increment
          moving[i] = m
          e.weight[i] -= m
        } else {
          e.weight[i] -= increment
        }
      }
    }
  }
}
