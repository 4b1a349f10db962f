import ModelSupport
import OrderedCollections

/// `rate × decayRate ^ (step / decaySteps)`, in steps of whole powers with `staircase`.
public struct ExponentialDecay: LearningRateSchedule {
  public let initialLearningRate: Double, decaySteps: Double, decayRate: Double
  public let staircase: Bool
  public let name: String
  public init(
    initialLearningRate: Double, decaySteps: Double, decayRate: Double, staircase: Bool = false, name: String = "ExponentialDecay"
  ) throws {
    try Schedules.check(decaySteps, "ExponentialDecay")
    self.initialLearningRate = initialLearningRate
    self.decaySteps = decaySteps
    self.decayRate = decayRate
    self.staircase = staircase
    self.name = name
  }
  public func callAsFunction(_ step: Tensor) throws -> Tensor {
    let progress = try step.cast(to: .float32) / decaySteps
    return try (try Tensor.constant(decayRate) ** (staircase ? progress.floor() : progress)) * initialLearningRate
  }
  public var config: OrderedDictionary<String, JSONValue> {
    [
      "initial_learning_rate": .double(initialLearningRate), "decay_steps": Schedules.number(decaySteps), "decay_rate": .double(decayRate),
      "staircase": .bool(staircase), "name": .string(name),
    ]
  }
}
