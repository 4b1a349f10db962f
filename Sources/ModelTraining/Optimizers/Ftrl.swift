#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif
import ModelSupport
import OrderedCollections

/// Follow the regularised leader (McMahan and others, 2013).
public final class Ftrl: ElementwiseOptimizer {
  public let learningRatePower: Double, initialAccumulatorValue: Double
  public let l1: Double, l2: Double, l2Shrinkage: Double, beta: Double
  private var accumulators: [Variable] = [], linears: [Variable] = []

  public init(
    learningRate: any LearningRate = 0.001, learningRatePower: Double = -0.5, initialAccumulatorValue: Double = 0.1,
    l1RegularizationStrength: Double = 0, l2RegularizationStrength: Double = 0, l2ShrinkageRegularizationStrength: Double = 0,
    beta: Double = 0, options: [OptimizerOption]
  ) throws {
    guard initialAccumulatorValue >= 0, learningRatePower <= 0, l1RegularizationStrength >= 0, l2RegularizationStrength >= 0,
      l2ShrinkageRegularizationStrength >= 0
    else { throw TensorError(.invalidArgument, "Ftrl: expected no negative accumulator or strength, and a power of 0 or less") }
    self.learningRatePower = learningRatePower
    self.initialAccumulatorValue = initialAccumulatorValue
    l1 = l1RegularizationStrength
    l2 = l2RegularizationStrength
    l2Shrinkage = l2ShrinkageRegularizationStrength
    self.beta = beta
    try super.init(learningRate: learningRate, options: options)
  }
  public convenience init(
    learningRate: any LearningRate = 0.001, learningRatePower: Double = -0.5, initialAccumulatorValue: Double = 0.1,
    l1RegularizationStrength: Double = 0, l2RegularizationStrength: Double = 0, l2ShrinkageRegularizationStrength: Double = 0,
    beta: Double = 0, _ options: OptimizerOption...
  ) throws {
    try self.init(
      learningRate: learningRate, learningRatePower: learningRatePower, initialAccumulatorValue: initialAccumulatorValue,
      l1RegularizationStrength: l1RegularizationStrength, l2RegularizationStrength: l2RegularizationStrength,
      l2ShrinkageRegularizationStrength: l2ShrinkageRegularizationStrength, beta: beta, options: options)
  }
  public override func makeState(for variables: [Variable]) throws {
    let slots = try addSlots(["accumulator", "linear"], for: variables, initial: [initialAccumulatorValue])
    (accumulators, linears) = (slots[0], slots[1])
  }
  public override func updateStep(_ gradient: Tensor, _ variable: Variable, learningRate: Tensor) throws {
    let index = try index(of: variable)
    try update(
      Rule(power: -learningRatePower, l1: l1, l2: l2, shrinkage: l2Shrinkage, beta: beta), variable, gradient,
      slots: [accumulators[index], linears[index]], scalars: [learningRate], learningRate: learningRate)
  }
  public override var ownConfig: OrderedDictionary<String, JSONValue> {
    [
      "learning_rate_power": .double(learningRatePower), "initial_accumulator_value": .double(initialAccumulatorValue),
      "l1_regularization_strength": .double(l1), "l2_regularization_strength": .double(l2),
      "l2_shrinkage_regularization_strength": .double(l2Shrinkage), "beta": .double(beta),
    ]
  }

  private struct Rule: UpdateRule {
    var partSums: PartSums? { .squares }
    let power: Double, l1: Double, l2: Double, shrinkage: Double, beta: Double
    func apply(_ e: UpdateElements<Float>, _ s: UnsafeBufferPointer<Float>) { update(e, s) { powf($0, Float(power)) } }
    func apply(_ e: UpdateElements<Double>, _ s: UnsafeBufferPointer<Double>) { update(e, s) { pow($0, power) } }
    private func update<T: BinaryFloatingPoint>(_ e: UpdateElements<T>, _ s: UnsafeBufferPointer<T>, _ raised: (T) -> T) {
      let rate = s[0], l1 = T(l1), strength = T(l2) + T(beta) / (2 * rate), shrinkage = T(2 * shrinkage), isRoot = power == 0.5
      e.each { i, g, square in
        let w = e.weight[i], before = e.slot0[i], sum = before + square
        let low = isRoot ? before.squareRoot() : raised(before), high = isRoot ? sum.squareRoot() : raised(sum)
        let linear = e.slot1[i] + (g + shrinkage * w - (high - low) / rate * w)
        let quadratic = high / rate + 2 * strength
        e.weight[i] = (Swift.min(Swift.max(linear, -l1), l1) - linear) / quadratic
        e.slot0[i] = sum
        e.slot1[i] = linear
      }
    }
  }
}
