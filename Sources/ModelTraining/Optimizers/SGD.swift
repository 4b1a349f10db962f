import ModelSupport
import OrderedCollections

/// Gradient descent, with momentum and Nesterov's if wished.
public final class SGD: ElementwiseOptimizer {
  public let momentum: Double
  public let nesterov: Bool
  private var momentums: [Variable] = []

  public init(
    learningRate: any LearningRate = 0.01, momentum: Double = 0, nesterov: Bool = false, options: [OptimizerOption]
  ) throws {
    guard (0...1).contains(momentum) else { throw TensorError(.invalidArgument, "SGD: expected a momentum from 0 to 1, found \(momentum)") }
    self.momentum = momentum
    self.nesterov = nesterov
    try super.init(learningRate: learningRate, options: options)
  }
  public convenience init(
    learningRate: any LearningRate = 0.01, momentum: Double = 0, nesterov: Bool = false, _ options: OptimizerOption...
  ) throws {
    try self.init(learningRate: learningRate, momentum: momentum, nesterov: nesterov, options: options)
  }
  public override func makeState(for variables: [Variable]) throws {
    if momentum != 0 { momentums = try addSlots(["momentum"], for: variables)[0] }
  }
  public override func updateStep(_ gradient: Tensor, _ variable: Variable, learningRate: Tensor) throws {
    let slots = momentum != 0 ? [momentums[try index(of: variable)]] : []
    try update(
      Rule(momentum: momentum, nesterov: nesterov), variable, gradient, slots: slots, scalars: [learningRate], learningRate: learningRate)
  }
  public override var ownConfig: OrderedDictionary<String, JSONValue> { ["momentum": .double(momentum), "nesterov": .bool(nesterov)] }

  private struct Rule: UpdateRule {
    let momentum: Double, nesterov: Bool
    func apply(_ e: UpdateElements<Float>, _ s: UnsafeBufferPointer<Float>) { update(e, s) }
    func apply(_ e: UpdateElements<Double>, _ s: UnsafeBufferPointer<Double>) { update(e, s) }
    private func update<T: BinaryFloatingPoint>(_ e: UpdateElements<T>, _ s: UnsafeBufferPointer<T>) {
      let rate = s[0], momentum = T(momentum)
      if momentum == 0 {
        for i in 0..<e.count { e.weight[i] -= e.gradient[i] * rate }
      } else if nesterov {
        for i in 0..<e.count {
          let step = e.gradient[i] * rate, m = e.slot0[i] * momentum - step
          e.slot0[i] = m
          e.weight[i] += m * momentum - step
        }
      } else {
        for i in 0..<e.count {
          let m = e.slot0[i] * momentum - e.gradient[i] * rate
          e.slot0[i] = m
          e.weight[i] += m
        }
      }
    }
  }
}
