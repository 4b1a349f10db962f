import ModelSupport
import ModelTraining
import Testing

enum RecordedOptimizers {
  static let fixture: TrainingFixture? = try? TrainingFixture("optimizers")
  static let cases: [String] = fixture?.json["cases"]?.objectValue.map { Array($0.keys) } ?? []
  static let schedules: [String] = fixture?.json["schedules"]?.objectValue.map { Array($0.keys) } ?? []
}

/// Optimisers and schedules against what Keras was recorded to do with the same gradients.
@Suite struct OptimizerTests {
  private func fixture() throws -> TrainingFixture { try #require(RecordedOptimizers.fixture) }

  @Test func everythingIsRecorded() {
    #expect(RecordedOptimizers.cases.count >= 37)
    #expect(RecordedOptimizers.schedules.count == 11)
  }

  /// Runs the recorded steps; `step` makes one.
  private func run(
    _ name: String, _ fixture: TrainingFixture, _ makeStep: (any Optimizer, [Variable]) throws -> ([Tensor]) throws -> Void
  ) throws {
    let record = try #require(fixture.json["cases"]?[name])
    let optimizer = try Optimizers.deserialize(try #require(record["optimizer"]))
    let names = ["kernel", "bias"]
    let variables = try names.map { try Variable(try fixture.array("start/\($0)"), name: $0) }
    try optimizer.build(variables)
    let step = try makeStep(optimizer, variables)
    let gradients = try names.map { try fixture.array("gradients/\($0)") }
    // Signs and quotients of small numbers magnify the last digit of float32; parameters stand at 1e-6.
    for index in 0..<100 {
      try step(try gradients.map { try $0[index] })
      guard index == 0 || index == 99 else { continue }
      for (variable, key) in zip(variables, names) {
        let expected = try fixture.array("\(name)/\(index + 1)/\(key)")
        let worst = try worstDifference(variable.tensor, expected, absolute: 1e-6, relative: 1e-6)
        #expect(worst <= 1, "\(name): \(key) after \(index + 1) steps: \(worst)")
      }
    }
    let paths = try #require(record["variables"]?.arrayValue).compactMap(\.stringValue)
    #expect(optimizer.variables.count == paths.count, "\(name)")
    for (index, variable) in optimizer.variables.enumerated() where index < paths.count {
      let expected = try fixture.array("\(name)/variables/\(index)")
      #expect(variable.dtype == expected.dtype && variable.shape == expected.shape, "\(name): \(variable.name)")
      // Ftrl's `linear` adds up differences of roots divided by the rate, which cancel.
      let absolute = variable.name.hasSuffix("linear") ? 2e-5 : 1e-6
      let worst = try worstDifference(variable.tensor, expected, absolute: absolute, relative: 2e-6)
      #expect(worst <= 1, "\(name): \(variable.name): \(worst)")
      // Keras's paths have the optimiser in front, and what has no name of its own a number behind.
      let path = try #require(paths[index].split(separator: "/").last)
      #expect(path == variable.name || path.hasPrefix("variable_"), "\(name): \(variable.name)")
    }
  }

  @Test(arguments: RecordedOptimizers.cases) func followsKeras(_ name: String) throws {
    try run(name, try fixture()) { optimizer, variables in { try optimizer.apply($0, to: variables) } }
  }

  /// The same in a traced function: nothing depends on values while it is traced.
  @Test(arguments: [
    "adam_accumulate", "sgd_accumulate_ema", "adam_schedule", "nadam", "loss_scale", "muon", "lamb", "adafactor", "adam_ema",
    "rmsprop_centered", "schedule_free_adamw",
  ]) func followsKerasInAFunction(_ name: String) throws {
    try run(name, try fixture()) { optimizer, variables in
      let step = function { gradients in
        try optimizer.apply(gradients, to: variables)
        return []
      }
      return { gradients in
        _ = try step(gradients)
        #expect(step.traceCount == 1)
      }
    }
  }

  @Test(arguments: RecordedOptimizers.schedules) func schedulesFollowKeras(_ name: String) throws {
    let fixture = try fixture()
    let schedule = try Schedules.deserialize(try #require(fixture.json["schedules"]?[name]))
    let expected = try fixture.array("schedules/\(name)").doubles()
    for (step, rate) in expected.enumerated() {
      let found = try schedule(step)
      #expect(abs(found - rate) <= 1e-8 + 2e-6 * abs(rate), "\(name) at \(step): \(found) for \(rate)")
    }
  }

  @Test(arguments: RecordedOptimizers.cases + RecordedOptimizers.schedules) func configurationsGoThere(_ name: String) throws {
    let fixture = try fixture()
    if let json = fixture.json["schedules"]?[name] {
      #expect(Schedules.serialize(try Schedules.deserialize(json)) == json)
    } else {
      let json = try #require(fixture.json["cases"]?[name]?["optimizer"])
      let again = try Optimizers.serialize(try Optimizers.deserialize(json))
      #expect(sameNumbers(again, json), "\(again) for \(json)")
    }
  }
  /// An integer and a whole float are the same to Keras, and the order of members is nothing.
  private func sameNumbers(_ a: JSONValue, _ b: JSONValue) -> Bool {
    if let x = a.doubleValue, let y = b.doubleValue { return x == y }
    if let x = a.objectValue, let y = b.objectValue {
      return x.count == y.count && x.allSatisfy { key, value in y[key].map { sameNumbers(value, $0) } ?? false }
    }
    return a == b
  }

  @Test func namesAreShortcuts() throws {
    #expect(try Optimizers.get("adam") is Adam)
    #expect(try Optimizers.get("RMSprop") is RMSprop)
    #expect(throws: TensorError.self) { try Optimizers.get("adamant") }
    #expect(throws: TensorError.self) { try Adam(.clipNorm(1), .clipValue(1)) }
    #expect(throws: TensorError.self) { try SGD(.gradientAccumulation(steps: 1)) }
  }

  @Test func ratesCanBeSet() throws {
    let optimizer = try SGD(learningRate: 0.5)
    try optimizer.setLearningRate(0.25)
    #expect(try optimizer.learningRate().item() == 0.25)
    let scheduled = try SGD(learningRate: try CosineDecay(initialLearningRate: 0.1, decaySteps: 10))
    #expect(throws: TensorError.self) { try scheduled.setLearningRate(0.25) }
  }

  @Test func variablesAreExcludedFromDecay() throws {
    let kernel = try Variable([1.0, 2], name: "kernel"), bias = try Variable([1.0, 2], name: "bias")
    let optimizer = try SGD(learningRate: 1, .weightDecay(0.5))
    try optimizer.excludeFromWeightDecay(names: ["bias"])
    let zero = try Tensor.zeros([2])
    try optimizer.apply([zero, zero], to: [kernel, bias])
    #expect(try kernel.tensor.doubles() == [0.5, 1])
    #expect(try bias.tensor.doubles() == [1, 2])
  }

  @Test func infiniteGradientsHalveTheScale() throws {
    let w = try Variable([1.0])
    let optimizer = try LossScaleOptimizer(try SGD(learningRate: 1), initialScale: 8)
    try optimizer.apply([try Tensor.constant([Double.infinity])], to: [w])
    #expect(try w.tensor.doubles() == [1])
    #expect(try optimizer.scaleLoss(try Tensor.constant(1.0)).item() == 4)
    try optimizer.apply([try Tensor.constant([4.0])], to: [w])
    #expect(try w.tensor.doubles() == [0])
  }

  @Test func updatesOfSeveralBlocksAndDTypes() throws {
    // More elements than one block; doubles; half precision.
    for dtype in [DType.float32, .float64, .float16, .bfloat16] {
      let w = try Variable(try Tensor.ones([5000], dtype: dtype)), optimizer = try SGD(learningRate: 0.5, momentum: 0.5)
      let g = try Tensor.ones([5000], dtype: dtype)
      try optimizer.apply([g], to: [w])
      try optimizer.apply([g], to: [w])
      #expect(try w.tensor.doubles().allSatisfy { $0 == -0.25 }, "\(dtype)")
    }
  }
}
