import ModelSupport
import OrderedCollections

/// Cosines down that start again, each `tMul` times as long and `mMul` times as high as the one before (Loshchilov and Hutter, 2017).
public struct CosineDecayRestarts: LearningRateSchedule {
  public let initialLearningRate: Double, firstDecaySteps: Double, tMul: Double, mMul: Double, alpha: Double
  public let name: String
  public init(
    initialLearningRate: Double, firstDecaySteps: Double, tMul: Double = 2, mMul: Double = 1, alpha: Double = 0, name: String = "SGDRDecay"
  ) throws {
    try Schedules.check(firstDecaySteps, "CosineDecayRestarts")
    self.initialLearningRate = initialLearningRate
    self.firstDecaySteps = firstDecaySteps
    self.tMul = tMul
    self.mMul = mMul
    self.alpha = alpha
    self.name = name
  }
  public func callAsFunction(_ step: Tensor) throws -> Tensor {
    var progress = try step.cast(to: .float32) / firstDecaySteps
    let restarts: Tensor
    if Float(tMul) == 1 {
      restarts = try progress.floor()
      progress = try progress - restarts
    } else {
      let factor = try Tensor.constant(tMul), gap = try 1 - factor
      restarts = try ((1 - progress * gap).log() / factor.log()).floor()
      let length = try factor ** restarts
      progress = try (progress - (1 - length) / gap) / length
    }
    let height = try Tensor.constant(mMul) ** restarts
    let cosine = try height * 0.5 * ((progress * Double.pi).cos() + 1)
    return try (cosine * (1 - alpha) + alpha) * initialLearningRate
  }
  public var config: OrderedDictionary<String, JSONValue> {
    [
      "initial_learning_rate": .double(initialLearningRate), "first_decay_steps": Schedules.number(firstDecaySteps),
      "t_mul": .double(tMul), "m_mul": .double(mMul), "alpha": .double(alpha), "name": .string(name),
    ]
  }
}
