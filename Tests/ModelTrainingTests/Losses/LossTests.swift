import ModelSupport
import ModelTraining
import Testing

/// Losses against what Keras was recorded to give.
@Suite struct LossTests {
  private static let fixture = try? TrainingFixture("losses")

  @Test func followKeras() throws {
    let fixture = try #require(Self.fixture)
    let cases = try #require(fixture.json["cases"]?.arrayValue)
    #expect(cases.count > 400)
    for (index, row) in cases.enumerated() {
      func input(_ place: Int) throws -> Tensor? { try row[place]?.stringValue.map { try fixture.array("input/\($0)") } }
      let loss = try Losses.deserialize(try #require(row[0]))
      let yTrue = try #require(try input(1))
      var yPred = try #require(try input(2))
      if let mask = try input(4) { yPred.mask = try mask.cast(to: .bool) }
      let expected = try fixture.array("result/\(index)")
      let found = try loss(yTrue, yPred, sampleWeight: try input(3))
      let worst = try worstDifference(found, expected, absolute: 1e-6, relative: 2e-6)
      #expect(worst <= 1, "case \(index), \(row): \(found) for \(expected)")
    }
  }

  @Test func configurationsGoThere() throws {
    let fixture = try #require(Self.fixture)
    for row in try #require(fixture.json["cases"]?.arrayValue) {
      let json = try #require(row[0]), again = Losses.serialize(try Losses.deserialize(json))
      #expect(again["class_name"] == json["class_name"])
      for (key, value) in try #require(json["config"]?.objectValue) {
        let found = again["config"]?[key]
        #expect(found == value || found?.doubleValue == value.doubleValue && value.doubleValue != nil, "\(json): \(key)")
      }
    }
  }

  @Test func namesAreShortcuts() throws {
    #expect(try Losses.get("mse").name == "mean_squared_error")
    #expect(try Losses.get("CategoricalCrossentropy") is Losses.CategoricalCrossentropy)
    #expect(try Losses.get("kullback_leibler_divergence") is Losses.KLDivergence)
    #expect(throws: TensorError.self) { try Losses.get("perplexity") }
  }

  @Test func wrongTargetsAreRefused() throws {
    let p = try Tensor.constant([[0.5, 0.5]])
    #expect(throws: TensorError.self) { try Losses.SparseCategoricalCrossentropy()(try Tensor.constant([2]), p) }
    #expect(throws: TensorError.self) { try Losses.CategoricalCrossentropy()(try Tensor.constant([1]), p) }
    #expect(throws: TensorError.self) { try Losses.MeanSquaredError()(try Tensor.constant([[1.0, 2, 3]]), p) }
  }

  /// A softmax is looked through: certain predictions lose nothing to clipping.
  @Test func logitsAreSeenBehindProbabilities() throws {
    let logits = try Tensor.constant([[60.0, -60]]), target = try Tensor.constant([[0.0, 1]])
    #expect(try Losses.CategoricalCrossentropy()(target, try logits.softmax()).item() == 120)
    #expect(try Losses.SparseCategoricalCrossentropy()(try Tensor.constant([1]), try logits.softmax()).item() == 120)
    #expect(try Losses.BinaryCrossentropy()(target, try logits.sigmoid()).item() == 60)
  }

  /// Gradients of all losses stay finite and agree with differences.
  @Test(arguments: [
    "mse", "mae", "msle", "log_cosh", "huber", "cosine_similarity", "poisson", "kl_divergence", "hinge", "squared_hinge",
    "categorical_hinge", "binary_crossentropy", "binary_focal_crossentropy", "categorical_crossentropy",
    "categorical_focal_crossentropy", "dice", "tversky",
  ]) func gradientsAgreeWithDifferences(_ name: String) throws {
    let loss = try Losses.get(name)
    let target = try Tensor.constant([[0.0, 1, 0], [1, 0, 0]], dtype: .float64)
    let values = [0.2, 0.7, 0.1, 0.3, 0.25, 0.45]
    let p = try Tensor(values, shape: [2, 3]), tape = GradientTape()
    tape.watch(p)
    let result = try tape.record { try loss(target, p) }
    let gradient = try #require(try tape.gradient(of: result, with: p)).doubles()
    for place in values.indices {
      func shifted(_ by: Double) throws -> Double {
        var changed = values
        changed[place] += by
        return try loss(target, try Tensor(changed, shape: [2, 3])).item()
      }
      let difference = try (shifted(1e-5) - shifted(-1e-5)) / 2e-5
      #expect(abs(difference - gradient[place]) < 1e-6 * max(1, abs(difference)), "\(name) at \(place)")
    }
  }

  @Test func ctcHasGradients() throws {
    let target = try Tensor.constant([[1, 2, 2]]), logits = try Variable(try Tensor.random.normal([1, 7, 4], dtype: .float64, seed: 3))
    let tape = GradientTape()
    let loss = try tape.record { try Losses.CTC()(target, logits.tensor) }
    let gradient = try #require(try tape.gradient(of: loss, with: logits))
    #expect(try gradient.isFinite().reduceAll().item() == 1)
    // Each step's gradient of a softmax sums to nothing.
    #expect(try gradient.reduceSum(axis: -1).abs().reduceMax().item() < 1e-12)
  }
}
