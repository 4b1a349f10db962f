import ModelSupport
import OrderedCollections

/// Half a cosine down to `alpha × rate`, after a straight way up to `warmupTarget` if there is one.
public struct CosineDecay: LearningRateSchedule {
  public let initialLearningRate: Double, decaySteps: Double, alpha: Double
  public let warmupTarget: Double?
  public let warmupSteps: Double
  public let name: String
  public init(
    initialLearningRate: Double, decaySteps: Double, alpha: Double = 0, warmupTarget: Double? = nil, warmupSteps: Double = 0,
    name: String = "CosineDecay"
  ) throws {
    try Schedules.check(decaySteps, "CosineDecay")
    self.initialLearningRate = initialLearningRate
    self.decaySteps = decaySteps
    self.alpha = alpha
    self.warmupTarget = warmupTarget
    self.warmupSteps = warmupSteps
    self.name = name
  }
  private func decay(_ step: Tensor, from rate: Double) throws -> Tensor {
    let cosine = try ((try step / decaySteps * Double.pi).cos() + 1) * 0.5
    return try (cosine * (1 - alpha) + alpha) * rate
  }
  public func callAsFunction(_ step: Tensor) throws -> Tensor {
    let now = try step.cast(to: .float32)
    guard let warmupTarget else { return try decay(now.minimum(decaySteps), from: initialLearningRate) }
    let place = try now.minimum(decaySteps + warmupSteps)
    let decayed = try decay(try place - warmupSteps, from: warmupTarget)
    guard warmupSteps > 0 else { return decayed }
    let rise = Double(Float(warmupTarget) - Float(initialLearningRate))
    let warm = try place / warmupSteps * rise + initialLearningRate
    return try Tensor.where(try place .< warmupSteps, warm, decayed)
  }
  public var config: OrderedDictionary<String, JSONValue> {
    [
      "initial_learning_rate": .double(initialLearningRate), "decay_steps": Schedules.number(decaySteps), "alpha": .double(alpha),
      "name": .string(name), "warmup_target": warmupTarget.json, "warmup_steps": Schedules.number(warmupSteps),
    ]
  }
}
