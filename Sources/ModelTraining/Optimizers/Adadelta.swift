import ModelSupport
import OrderedCollections

/// Adagrad over a window, with steps in the units of the weights (Zeiler, 2012).
public final class Adadelta: ElementwiseOptimizer {
  public let rho: Double, epsilon: Double
  private var gradients: [Variable] = [], steps: [Variable] = []

  public init(learningRate: any LearningRate = 0.001, rho: Double = 0.95, epsilon: Double = 1e-7, options: [OptimizerOption]) throws {
    self.rho = rho
    self.epsilon = epsilon
    try super.init(learningRate: learningRate, options: options)
  }
  public convenience init(learningRate: any LearningRate = 0.001, rho: Double = 0.95, epsilon: Double = 1e-7, _ options: OptimizerOption...)
    throws
  {
    try self.init(learningRate: learningRate, rho: rho, epsilon: epsilon, options: options)
  }
  public override func makeState(for variables: [Variable]) throws {
    let slots = try addSlots(["accumulated_grad", "accumulated_delta_var"], for: variables)
    (gradients, steps) = (slots[0], slots[1])
  }
  public override func updateStep(_ gradient: Tensor, _ variable: Variable, learningRate: Tensor) throws {
    let index = try index(of: variable)
    try update(
      Rule(rho: rho, epsilon: epsilon), variable, gradient, slots: [gradients[index], steps[index]], scalars: [learningRate],
      learningRate: learningRate)
  }
  public override var ownConfig: OrderedDictionary<String, JSONValue> { ["rho": .double(rho), "epsilon": .double(epsilon)] }

  private struct Rule: UpdateRule {
    let rho: Double, epsilon: Double
    var partSums: PartSums? { .squares }
    func apply(_ e: UpdateElements<Float>, _ s: UnsafeBufferPointer<Float>) { update(e, s) }
    func apply(_ e: UpdateElements<Double>, _ s: UnsafeBufferPointer<Double>) { update(e, s) }
    private func update<T: BinaryFloatingPoint>(_ e: UpdateElements<T>, _ s: UnsafeBufferPointer<T>) {
      let rate = s[0], keep = T(rho), take = T(1 - rho), epsilon = T(epsilon)
      let hasParts = e.partSums != nil
      e.each { i, g, squared in
        let square = keep * e.slot0[i] + take * squared
        e.slot0[i] = square
        let length = (e.slot1[i] + epsilon).squareRoot(), root = (square + epsilon).squareRoot()
        let step = -(length * g / root)
        e.slot1[i] = keep * e.slot1[i] + take * (hasParts ? (length / root) * (length / root) * squared : step * step)
        e.weight[i] += rate * step
      }
    }
  }
}
