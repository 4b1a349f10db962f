import ModelSupport
import OrderedCollections

/// From one rate to another along a power of the time that is left; with `cycle`, again and again over longer times.
public struct PolynomialDecay: LearningRateSchedule {
  public let initialLearningRate: Double, decaySteps: Double, endLearningRate: Double, power: Double
  public let cycle: Bool
  public let name: String
  public init(
    initialLearningRate: Double, decaySteps: Double, endLearningRate: Double = 0.0001, power: Double = 1, cycle: Bool = false,
    name: String = "PolynomialDecay"
  ) throws {
    try Schedules.check(decaySteps, "PolynomialDecay")
    self.initialLearningRate = initialLearningRate
    self.decaySteps = decaySteps
    self.endLearningRate = endLearningRate
    self.power = power
    self.cycle = cycle
    self.name = name
  }
  public func callAsFunction(_ step: Tensor) throws -> Tensor {
    let now = try step.cast(to: .float32)
    let progress: Tensor
    if cycle {
      let rounds = try Tensor.where(try now .== 0, 1, try (now / decaySteps).ceil())
      progress = try now / (rounds * decaySteps)
    } else {
      progress = try now.minimum(decaySteps) / decaySteps
    }
    let span = Double(Float(initialLearningRate) - Float(endLearningRate))
    return try ((try 1 - progress) ** power) * span + endLearningRate
  }
  public var config: OrderedDictionary<String, JSONValue> {
    [
      "initial_learning_rate": .double(initialLearningRate), "decay_steps": Schedules.number(decaySteps),
      "end_learning_rate": .double(endLearningRate), "power": .double(power), "cycle": .bool(cycle), "name": .string(name),
    ]
  }
}
