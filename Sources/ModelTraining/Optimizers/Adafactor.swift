import ModelSupport
import OrderedCollections

/// Keeps second moments by rows and columns only (Shazeer and Stern, 2018).
public final class Adafactor: BaseOptimizer {
  public let beta2Decay: Double, epsilon1: Double, epsilon2: Double, clipThreshold: Double
  public let relativeStep: Bool
  private var rows: [Variable] = [], columns: [Variable] = [], velocities: [Variable] = []

  public init(
    learningRate: any LearningRate = 0.001, beta2Decay: Double = -0.8, epsilon1: Double = 1e-30, epsilon2: Double = 1e-3,
    clipThreshold: Double = 1, relativeStep: Bool = true, options: [OptimizerOption]
  ) throws {
    self.beta2Decay = beta2Decay
    self.epsilon1 = epsilon1
    self.epsilon2 = epsilon2
    self.clipThreshold = clipThreshold
    self.relativeStep = relativeStep
    try super.init(learningRate: learningRate, options: options)
  }
  public convenience init(
    learningRate: any LearningRate = 0.001, beta2Decay: Double = -0.8, epsilon1: Double = 1e-30, epsilon2: Double = 1e-3,
    clipThreshold: Double = 1, relativeStep: Bool = true, _ options: OptimizerOption...
  ) throws {
    try self.init(
      learningRate: learningRate, beta2Decay: beta2Decay, epsilon1: epsilon1, epsilon2: epsilon2, clipThreshold: clipThreshold,
      relativeStep: relativeStep, options: options)
  }
  public override func makeState(for variables: [Variable]) throws {
    for variable in variables {
      let shape = variable.shape
      if shape.count < 2 {
        // Placeholders: vectors have nothing to factor.
        rows.append(try addVariable(try Tensor.zeros([], dtype: .int32), name: variable.name))
        columns.append(try addVariable(try Tensor.zeros([], dtype: .int32), name: variable.name))
      } else {
        rows.append(try addVariable(try Tensor.zeros(shape.dropLast(), dtype: variable.dtype), name: variable.name))
        columns.append(
          try addVariable(try Tensor.zeros(shape.dropLast(2) + [shape[shape.count - 1]], dtype: variable.dtype), name: variable.name))
      }
      velocities.append(try addSlots(["velocity"], for: [variable])[0][0])
    }
  }

  private func rms(_ x: some TensorValue) throws -> Tensor { try x.square().reduceMean().sqrt() }

  public override func updateStep(_ gradient: Tensor, _ variable: Variable, learningRate: Tensor) throws {
    let index = try index(of: variable), dtype = variable.dtype
    let root = try 1 / stepNumber(dtype).sqrt()
    let rate = rateVariable != nil && relativeStep ? try learningRate.minimum(root) : learningRate
    let alpha = try rms(variable).maximum(epsilon2) * rate.minimum(root)
    let squares = try gradient.gradientSquared() + epsilon1
    let keep = try 1 - (try stepNumber(dtype) ** beta2Decay), take = try 1 - keep
    let v = velocities[index]
    if variable.shape.count >= 2 {
      let r = rows[index], c = columns[index]
      try r.assign(try keep * r + take * squares.reduceMean(axis: -1))
      try c.assign(try keep * c + take * squares.reduceMean(axis: -2))
      let shares = try r / r.reduceMean(axis: -1, keepDims: true)
      try v.assign(try shares.expandDims(axis: -1) * c.expandDims(axis: -2))
    } else {
      try v.assign(try keep * v + take * squares)
    }
    let step = try gradient.gradientDivided(by: v.sqrt())
    let length = try step.gradientSquared().reduceMean().sqrt()
    try variable.assignSub(try alpha * (step / (length / clipThreshold).maximum(1)))
  }
  public override var ownConfig: OrderedDictionary<String, JSONValue> {
    [
      "beta_2_decay": .double(beta2Decay), "epsilon_1": .double(epsilon1), "epsilon_2": .double(epsilon2),
      "clip_threshold": .double(clipThreshold), "relative_step": .bool(relativeStep),
    ]
  }
}
