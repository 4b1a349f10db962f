import ModelTraining

/// A training loop of one's own: a tape, an optimiser, and a step that is traced once.
enum TrainingLoop {
  static func run(epochs: Int) throws -> Double {
    let x = try Tensor.random.normal([512, 3], seed: 1)
    let y = try x • (try Tensor.constant([[1.0], [-2.0], [0.5]])) + 0.3
    let w = try Variable(try Tensor.zeros([3, 1]), name: "w"), b = try Variable(0.0, name: "b")
    let optimizer = try Adam(learningRate: 0.05)
    try optimizer.build([w, b])

    let step = Function { batch in
      let tape = GradientTape()
      let loss = try tape.record { try (batch[0] • w.tensor + b - batch[1]).square().reduceMean() }
      try optimizer.apply(try tape.gradient(of: loss, with: [w, b]), to: [w, b])
      return [loss]
    }
    var last = 0.0
    let data = try Dataset.fromTensorSlices((x, y)).shuffle(512, seed: 1).batch(64).prefetch()
    for _ in 0..<epochs {
      try data.forEach { x, y in last = try step([x, y])[0].item() }
    }
    return last
  }
}
