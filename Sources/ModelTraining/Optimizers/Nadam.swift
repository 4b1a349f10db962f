import ModelSupport
import OrderedCollections

/// Adam with Nesterov's momentum (Dozat, 2015).
public final class Nadam: ElementwiseOptimizer {
  public let beta1: Double, beta2: Double, epsilon: Double
  private var momentums: [Variable] = [], velocities: [Variable] = []
  private var product: Variable?

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
    product = try addVariable(try Tensor.ones([], dtype: variables.first?.dtype ?? .float32), name: "variable")
  }

  /// β₁ (1 − ½ 0.96ⁿ) for update `n` and the one after it.
  private func momentum(_ dtype: DType, next: Bool) throws -> Tensor {
    try scalar(next ? "next momentum" : "momentum", dtype) {
      let number = next ? try stepNumber(dtype) + 1 : try stepNumber(dtype)
      return try (1 - 0.5 * (try Tensor.scalar(0.96, dtype: dtype) ** number)) * beta1
    }
  }
  public override func beginUpdate(learningRate: Tensor) throws {
    guard let product else { return }
    let dtype = product.dtype
    try product.assign(try product * beta1 * (1 - 0.5 * (try Tensor.scalar(0.96, dtype: dtype) ** (try stepNumber(dtype)))))
  }
  public override func updateStep(_ gradient: Tensor, _ variable: Variable, learningRate: Tensor) throws {
    guard let product else { return }
    let index = try index(of: variable), dtype = variable.dtype
    let now = try momentum(dtype, next: false), next = try momentum(dtype, next: true)
    let done = try scalar("product", dtype) { try product.tensor.cast(to: dtype) }
    let scalars = try [
      learningRate, next, scalar("1 - next", dtype) { try 1 - done * next }, scalar("1 - now", dtype) { try 1 - now },
      scalar("1 - product", dtype) { try 1 - done }, scalar("1 - power", dtype) { try 1 - power(beta2, dtype) },
    ]
    try update(
      Rule(beta1: beta1, beta2: beta2, epsilon: epsilon), variable, gradient, slots: [momentums[index], velocities[index]],
      scalars: scalars, learningRate: learningRate)
  }
  public override var ownConfig: OrderedDictionary<String, JSONValue> {
    ["beta_1": .double(beta1), "beta_2": .double(beta2), "epsilon": .double(epsilon)]
  }

  private struct Rule: UpdateRule {
    var partSums: PartSums? { .squares }
    let beta1: Double, beta2: Double, epsilon: Double
    func apply(_ e: UpdateElements<Float>, _ s: UnsafeBufferPointer<Float>) { update(e, s) }
    func apply(_ e: UpdateElements<Double>, _ s: UnsafeBufferPointer<Double>) { update(e, s) }
    private func update<T: BinaryFloatingPoint>(_ e: UpdateElements<T>, _ s: UnsafeBufferPointer<T>) {
      // Betas are rounded before they are taken from one, as Keras does it here.
      let first = 1 - T(beta1), second = 1 - T(beta2), epsilon = T(epsilon)
      let (rate, next, ahead, apart, behind, decay) = (s[0], s[1], s[2], s[3], s[4], s[5])
      e.each { i, g, square in
        let m = e.slot0[i] + (g - e.slot0[i]) * first
        let v = e.slot1[i] + (square - e.slot1[i]) * second
        e.slot0[i] = m
        e.slot1[i] = v
        let step = next * m / ahead + apart * g / behind
        e.weight[i] -= step * rate / ((v / decay).squareRoot() + epsilon)
      }
    }
  }
}
