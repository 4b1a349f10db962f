import ModelSupport
import OrderedCollections

/// Divides gradients by the root of the sum of their squares (Duchi and others, 2011).
public final class Adagrad: ElementwiseOptimizer {
  public let initialAccumulatorValue: Double, epsilon: Double
  private var accumulators: [Variable] = []

  public init(
    learningRate: any LearningRate = 0.001, initialAccumulatorValue: Double = 0.1, epsilon: Double = 1e-7, options: [OptimizerOption]
  ) throws {
    self.initialAccumulatorValue = initialAccumulatorValue
    self.epsilon = epsilon
    try super.init(learningRate: learningRate, options: options)
  }
  public convenience init(
    learningRate: any LearningRate = 0.001, initialAccumulatorValue: Double = 0.1, epsilon: Double = 1e-7, _ options: OptimizerOption...
  ) throws {
    try self.init(learningRate: learningRate, initialAccumulatorValue: initialAccumulatorValue, epsilon: epsilon, options: options)
  }
  public override func makeState(for variables: [Variable]) throws {
    accumulators = try addSlots(["accumulator"], for: variables, initial: [initialAccumulatorValue])[0]
  }
  public override func updateStep(_ gradient: Tensor, _ variable: Variable, learningRate: Tensor) throws {
    try update(
      Rule(epsilon: epsilon), variable, gradient, slots: [accumulators[try index(of: variable)]], scalars: [learningRate],
      learningRate: learningRate)
  }
  public override var ownConfig: OrderedDictionary<String, JSONValue> {
    ["initial_accumulator_value": .double(initialAccumulatorValue), "epsilon": .double(epsilon)]
  }

  private struct Rule: UpdateRule {
    var partSums: PartSums? { .squares }
    let epsilon: Double
    func apply(_ e: UpdateElements<Float>, _ s: UnsafeBufferPointer<Float>) { update(e, s) }
    func apply(_ e: UpdateElements<Double>, _ s: UnsafeBufferPointer<Double>) { update(e, s) }
    private func update<T: BinaryFloatingPoint>(_ e: UpdateElements<T>, _ s: UnsafeBufferPointer<T>) {
      let rate = s[0], epsilon = T(epsilon)
      e.each { i, g, square in
        let sum = e.slot0[i] + square
        e.slot0[i] = sum
        e.weight[i] -= rate * g / (sum + epsilon).squareRoot()
      }
    }
  }
}
