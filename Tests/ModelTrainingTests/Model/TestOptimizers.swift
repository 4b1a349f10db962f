import ModelTraining

/// Plain definitions to hold models against, independent of the library's own.
final class TestSGD: Optimizer {
  let name = "sgd"
  let iterations: Variable
  private let rate: Double, momentum: Double
  private var velocities: [Variable] = []
  init(_ rate: Double, momentum: Double) throws {
    self.rate = rate
    self.momentum = momentum
    iterations = try Variable(0, dtype: .int64, name: "iterations", trainable: false)
  }
  var variables: [Variable] { [iterations] + velocities }
  func learningRate() throws -> Tensor { try Tensor.constant(rate) }
  func build(_ variables: [Variable]) throws {
    velocities = try variables.map { try Variable(try Tensor.zeros($0.shape), name: $0.name + "_momentum", trainable: false) }
  }
  func apply(_ gradients: [Tensor?], to variables: [Variable]) throws {
    for (index, variable) in variables.enumerated() {
      guard let g = gradients[index] else { continue }
      try velocities[index].assign(try velocities[index] * momentum - g * rate)
      try variable.assignAdd(velocities[index])
    }
    try iterations.assignAdd(1)
  }
}

final class TestAdam: Optimizer {
  let name = "adam"
  let iterations: Variable
  private let rate: Double
  private var first: [Variable] = [], second: [Variable] = []
  init(_ rate: Double) throws {
    self.rate = rate
    iterations = try Variable(0, dtype: .int64, name: "iterations", trainable: false)
  }
  var variables: [Variable] { [iterations] + first + second }
  func learningRate() throws -> Tensor { try Tensor.constant(rate) }
  func build(_ variables: [Variable]) throws {
    first = try variables.map { try Variable(try Tensor.zeros($0.shape), name: "m", trainable: false) }
    second = try variables.map { try Variable(try Tensor.zeros($0.shape), name: "v", trainable: false) }
  }
  func apply(_ gradients: [Tensor?], to variables: [Variable]) throws {
    let step = try (iterations + 1).cast(to: .float32)
    let one = try Tensor.constant(1.0)
    let alpha = try (one - Tensor.constant(0.999) ** step).sqrt() * rate / (one - Tensor.constant(0.9) ** step)
    for (index, variable) in variables.enumerated() {
      guard let g = gradients[index] else { continue }
      try first[index].assignAdd(try (g - first[index]) * 0.1)
      try second[index].assignAdd(try (g.gradientSquared() - second[index]) * 0.001)
      try variable.assignSub(try first[index] * alpha / (second[index].sqrt() + 1e-7))
    }
    try iterations.assignAdd(1)
  }
}

struct TestCrossentropy: Loss {
  let name = "categorical_crossentropy"
  let reduction = Reduction.sumOverBatchSize
  func call(_ yTrue: Tensor, _ yPred: Tensor) throws -> Tensor {
    let p = try yPred / yPred.reduceSum(axis: -1, keepDims: true)
    return try -(yTrue * p.clip(min: 1e-7, max: 1 - 1e-7).log()).reduceSum(axis: -1)
  }
}
