import ModelSupport
import ModelTraining
import Testing

/// Metrics against what Keras was recorded to give after one batch, and after half of it once more.
@Suite struct MetricTests {
  private static let fixture = try? TrainingFixture("metrics")

  @Test func followKeras() throws {
    let fixture = try #require(Self.fixture)
    let cases = try #require(fixture.json["cases"]?.arrayValue)
    #expect(cases.count > 400)
    for (index, row) in cases.enumerated() {
      func input(_ place: Int) throws -> Tensor? { try row[place]?.stringValue.map { try fixture.array("input/\($0)") } }
      let metric = try Metrics.deserialize(try #require(row[0]))
      let t = try #require(try input(1)), w = try input(3)
      var p = try #require(try input(2))
      if let mask = try input(4) { p.mask = try mask.cast(to: .bool) }
      try metric.updateState(t, p, sampleWeight: w)
      try compare(metric, try fixture.array("first/\(index)"), "case \(index), first, \(row)")
      let half = p.shape[0] / 2
      var front = try p[0..<half]
      front.mask = try p.mask.map { try $0[0..<half] }
      try metric.updateState(try t[0..<half], front, sampleWeight: try w.map { try $0[0..<half] })
      try compare(metric, try fixture.array("second/\(index)"), "case \(index), second, \(row)")
      try metric.resetState()
      #expect(try metric.variables.allSatisfy { try $0.tensor.doubles().allSatisfy { $0 == 0 } })
    }
  }
  private func compare(_ metric: any Metric, _ expected: Tensor, _ what: String) throws {
    let found = try metric.result()
    let worst = try worstDifference(found, expected, absolute: 1e-6, relative: 1e-6)
    #expect(worst <= 1, "\(what): \(found) for \(expected)")
  }

  /// The same, in a traced function.
  @Test func aFewInAFunction() throws {
    let fixture = try #require(Self.fixture)
    let t = try fixture.array("input/binary_t"), p = try fixture.array("input/binary_p"), w = try fixture.array("input/w12")
    let names = ["AUC", "Precision", "Recall", "BinaryAccuracy", "F1Score", "R2Score", "RootMeanSquaredError", "TopKCategoricalAccuracy"]
    for name in names {
      let direct = try Metrics.get(name), traced = try Metrics.get(name)
      try direct.updateState(t, p, sampleWeight: w)
      let step = function { inputs in
        try traced.updateState(inputs[0], inputs[1], sampleWeight: inputs[2])
        return []
      }
      _ = try step([t, p, w])
      #expect(try worstDifference(try traced.result(), try direct.result(), absolute: 1e-6, relative: 1e-6) <= 1, "\(name)")
    }
  }

  @Test func configurationsGoThere() throws {
    let fixture = try #require(Self.fixture)
    for row in try #require(fixture.json["cases"]?.arrayValue) {
      let json = try #require(row[0]), again = Metrics.serialize(try Metrics.deserialize(json))
      #expect(again["class_name"] == json["class_name"])
      for (key, value) in try #require(json["config"]?.objectValue) where key != "dtype" {
        let found = again["config"]?[key], value = value["config"]?["value"] ?? value
        let same =
          found == value || found?.doubleValue == value.doubleValue && value.doubleValue != nil
          || found?[0]?.doubleValue == value.doubleValue && value.doubleValue != nil
        #expect(same, "\(json): \(key)")
      }
    }
  }

  @Test func accuracyFollowsShapes() throws {
    #expect(try Metrics.resolve("accuracy", yTrueShape: [8, 1], yPredShape: [8, 1]) is Metrics.BinaryAccuracy)
    #expect(try Metrics.resolve("acc", yTrueShape: [8], yPredShape: [8, 3]) is Metrics.SparseCategoricalAccuracy)
    #expect(try Metrics.resolve("accuracy", yTrueShape: [8, 1], yPredShape: [8, 3]) is Metrics.SparseCategoricalAccuracy)
    let metric = try Metrics.resolve("accuracy", yTrueShape: [8, 3], yPredShape: [8, 3])
    #expect(metric is Metrics.CategoricalAccuracy && metric.name == "accuracy")
    #expect(try Metrics.resolve("ce", yTrueShape: [8], yPredShape: [8, 3]) is Metrics.SparseCategoricalCrossentropy)
    #expect(try Metrics.resolve("mse", yTrueShape: [8], yPredShape: [8, 1]) is Metrics.MeanSquaredError)
    #expect(throws: TensorError.self) { try Metrics.get("bleu") }
  }
}
