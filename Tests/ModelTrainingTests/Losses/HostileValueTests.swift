import ModelTraining
import Testing

/// Numbers that come from files or from damaged data are errors, never traps.
@Suite struct HostileValueTests {
  @Test func configurationsOutOfBounds() {
    #expect(throws: TensorError.self) { try LossScaleOptimizer(try SGD(), dynamicGrowthSteps: .min) }
    var arguments = Muon.Arguments()
    arguments.steps = -1
    #expect(throws: TensorError.self) { try Muon(arguments) }
    #expect(throws: TensorError.self) { try Metrics.SparseTopKCategoricalAccuracy(k: -1, fromSortedIDs: true) }
    #expect(throws: TensorError.self) { try Metrics.AUC(numThresholds: .max) }
  }

  @Test func hugeBatches() throws {
    let data = Dataset<Int>.range(to: 3).map { try Tensor.constant($0) }
    #expect(try data.batch(.max).array().count == 1)
    #expect(try data.batch(.max).repeat(2).array().count == 2)
    #expect(data.repeat(.max).cardinality == .unknown)
    let x = try Tensor.random.normal([5, 2], seed: 1), y = try Tensor.zeros([5], dtype: .int32)
    let model = try Sequential([Dense(3)], inputShape: [2])
    model.compile(loss: "sparse_categorical_crossentropy")
    try model.fit(x, y, batchSize: .max, verbose: 0, classWeight: [0: 2])
  }

  /// A traced step gathers by class: a negative number must not count from the end.
  @Test func classesThatDoNotExist() throws {
    let x = try Tensor.random.normal([4, 2], seed: 1)
    for wrong in [-1, 3] {
      let model = try Sequential([Dense(3)], inputShape: [2])
      model.compile(loss: "sparse_categorical_crossentropy")
      #expect(throws: (any Error).self) { try model.fit(x, Tensor([0, 1, 2, Int32(wrong)]), verbose: 0) }
    }
  }

  /// Keras computes losses of half precision in float32.
  @Test func lossesOfHalfPrecision() throws {
    let p = try Tensor.constant([[0.1, 0.2], [0.3, 0.4]], dtype: .float16), y = try Tensor.constant([[0.0, 1], [1, 0]])
    let loss = try Losses.MeanSquaredError()(y, p)
    #expect(loss.dtype == .float32)
  }
}
