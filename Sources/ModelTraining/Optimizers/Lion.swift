import ModelSupport
import OrderedCollections

/// Steps by the sign of an interpolated momentum (Chen and others, 2023).
public final class Lion: ElementwiseOptimizer {
  public let beta1: Double, beta2: Double
  private var momentums: [Variable] = []

  public init(learningRate: any LearningRate = 0.001, beta1: Double = 0.9, beta2: Double = 0.99, options: [OptimizerOption]) throws {
    guard beta1 > 0, beta1 <= 1 else { throw TensorError(.invalidArgument, "Lion: expected beta1 above 0 up to 1, found \(beta1)") }
    self.beta1 = beta1
    self.beta2 = beta2
    try super.init(learningRate: learningRate, options: options)
  }
  public convenience init(learningRate: any LearningRate = 0.001, beta1: Double = 0.9, beta2: Double = 0.99, _ options: OptimizerOption...)
    throws
  {
    try self.init(learningRate: learningRate, beta1: beta1, beta2: beta2, options: options)
  }
  public override func makeState(for variables: [Variable]) throws { momentums = try addSlots(["momentum"], for: variables)[0] }
  public override func updateStep(_ gradient: Tensor, _ variable: Variable, learningRate: Tensor) throws {
    try update(
      Rule(beta1: beta1, beta2: beta2), variable, gradient, slots: [momentums[try index(of: variable)]], scalars: [learningRate],
      learningRate: learningRate)
  }
  public override var ownConfig: OrderedDictionary<String, JSONValue> { ["beta_1": .double(beta1), "beta_2": .double(beta2)] }

  private struct Rule: UpdateRule {
    let beta1: Double, beta2: Double
    func apply(_ e: UpdateElements<Float>, _ s: UnsafeBufferPointer<Float>) { update(e, s) }
    func apply(_ e: UpdateElements<Double>, _ s: UnsafeBufferPointer<Double>) { update(e, s) }
    private func update<T: BinaryFloatingPoint>(_ e: UpdateElements<T>, _ s: UnsafeBufferPointer<T>) {
      let rate = s[0], first = T(beta1), second = T(beta2)
      for i in 0..<e.count {
        let g = e.gradient[i], m = e.slot0[i], direction = m * first + g * (1 - first)
        // The sign of zero is zero, that of NaN is NaN.
        e.weight[i] -= rate * (direction > 0 ? 1 : direction < 0 ? -1 : direction)
        e.slot0[i] = m * second + g * (1 - second)
      }
    }
  }
}
