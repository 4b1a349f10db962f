import ModelSupport
import OrderedCollections

/// `rate / (1 + decayRate × step / decaySteps)`.
public struct InverseTimeDecay: LearningRateSchedule {
  public let initialLearningRate: Double, decaySteps: Double, decayRate: Double
  public let staircase: Bool
  public let name: String
  public init(
    initialLearningRate: Double, decaySteps: Double, decayRate: Double, staircase: Bool = false, name: String = "InverseTimeDecay"
  ) throws {
    try Schedules.check(decaySteps, "InverseTimeDecay")
    self.initialLearningRate = initialLearningRate
    self.decaySteps = decaySteps
    self.decayRate = decayRate
    self.staircase = staircase
    self.name = name
  }
  public func callAsFunction(_ step: Tensor) throws -> Tensor {
    let progress = try step.cast(to: .float32) / decaySteps
    return try initialLearningRate / ((staircase ? progress.floor() : progress) * decayRate + 1)
  }
  public var config: OrderedDictionary<String, JSONValue> {
    [
      "initial_learning_rate": .double(initialLearningRate), "decay_steps": Schedules.number(decaySteps), "decay_rate": .double(decayRate),
      "staircase": .bool(staircase), "name": .string(name),
    ]
  }
}
