import Foundation
import ModelSupport
import ModelTraining
import Testing

/// `compile` and `fit` as Keras was recorded to do them: `fixtures/training/generate_fit.py`.
@Suite struct FitFixtureTests {
  static let fixture = Result { try TrainingFixture("fit") }
  static let sparse = "sparse_categorical_crossentropy"

  private func mlp(
    _ units: Int = 3, _ activation: ActivationChoice = "softmax", kernel: (any Regularizer)? = nil, bias: (any Regularizer)? = nil,
    activity: (any Regularizer)? = nil, kernelConstraint: (any Constraint)? = nil, biasConstraint: (any Constraint)? = nil
  ) throws -> Model {
    try Sequential(
      [
        Dense(
          8, activation: "tanh", kernelRegularizer: kernel, biasRegularizer: bias, activityRegularizer: activity,
          kernelConstraint: kernelConstraint, biasConstraint: biasConstraint), Dense(units, activation: activation),
      ], inputShape: [5])
  }
  private func sgd(_ rate: Double = 0.3, _ options: OptimizerOption...) throws -> SGD {
    try SGD(learningRate: rate, momentum: 0.9, options: options)
  }
  private func array(_ key: String) throws -> Tensor { try Self.fixture.get().array(key) }

  /// Trains from Keras's first weights, and compares figures and last weights.
  private func check(
    _ name: String, _ model: Model, _ targets: [String] = ["sparse"], epochs: Int = 4, callbacks: [any Callback] = [],
    split: Double = 0, classWeight: [Int: Double]? = nil, sampleWeight: [Tensor] = [], initialEpoch: Int = 0, stepsPerEpoch: Int? = nil
  ) throws {
    let fixture = try Self.fixture.get(), expected = try #require(fixture.json[name]?["history"]?.objectValue)
    func weights(_ place: String) -> [Tensor] {
      fixture.arrays.filter { $0.key.hasPrefix("\(name)/\(place)/") }.sorted { $0.key < $1.key }.map(\.value)
    }
    try model.setWeights(weights("first"))
    let history = try model.fit(
      [try array("x")], try targets.map { try array("y/\($0)") }, batchSize: 16, epochs: epochs, verbose: 0, callbacks: callbacks,
      validationSplit: split, shuffle: false, classWeight: classWeight, sampleWeight: sampleWeight, initialEpoch: initialEpoch,
      stepsPerEpoch: stepsPerEpoch)
    #expect(history.epoch == fixture.json[name]?["epochs"]?.arrayValue?.compactMap(\.intValue))
    #expect(history.history.keys.sorted() == expected.keys.sorted())
    for (figure, values) in expected {
      let theirs = values.arrayValue?.compactMap(\.doubleValue) ?? [], mine = history[figure]
      #expect(mine.count == theirs.count)
      for (a, b) in zip(mine, theirs) { #expect(abs(a - b) <= 1e-4 * max(1, abs(b)), "\(figure): \(mine), Keras has \(theirs)") }
    }
    for (index, (mine, theirs)) in zip(model.getWeights(), weights("last")).enumerated() {
      #expect(try worstDifference(mine, theirs, absolute: 1e-5, relative: 1e-4) <= 1, "weight \(index): \(mine), Keras has \(theirs)")
    }
  }

  @Test func namesStandForObjects() throws {
    let model = try mlp()
    model.compile(optimizer: "adam", loss: Self.sparse, metrics: ["accuracy"])
    try check("strings", model, split: 0.25)
    let oneHot = try mlp()
    oneHot.compile(optimizer: "sgd", loss: "crossentropy", metrics: ["acc", "mse"])
    try check("onehot", oneHot, ["onehot"])
    let binary = try mlp(1, "sigmoid")
    binary.compile(optimizer: "rmsprop", loss: "bce", metrics: ["accuracy", "AUC"])
    try check("binary", binary, ["binary"])
  }

  @Test func weightsOfClassesAndSamples() throws {
    let model = try mlp()
    model.compile(optimizer: try sgd(), loss: Self.sparse, metrics: ["accuracy"], weightedMetrics: ["accuracy"])
    try check("class_weight", model, split: 0.2, classWeight: [0: 2, 2: 0.25])
    let other = try mlp()
    other.compile(optimizer: try sgd(), loss: "categorical_crossentropy", metrics: ["mse"], weightedMetrics: ["mse", "accuracy"])
    try check("sample_weight", other, ["onehot"], split: 0.2, sampleWeight: [try array("sample_weight")])
  }

  @Test func epochsOfGivenLength() throws {
    let model = try mlp()
    model.compile(optimizer: try sgd(0.1), loss: Self.sparse)
    try check("steps", model, epochs: 6, initialEpoch: 1, stepsPerEpoch: 3)
  }

  @Test func earlyStopping() throws {
    let model = try mlp()
    model.compile(optimizer: try sgd(0.8), loss: Self.sparse)
    let stopping = EarlyStopping(minDelta: 0.001, patience: 2, restoreBestWeights: true, startFromEpoch: 1)
    try check("early_stopping", model, epochs: 25, callbacks: [stopping], split: 0.4)
    let other = try mlp()
    other.compile(optimizer: try sgd(0.5), loss: Self.sparse, metrics: ["accuracy"])
    try check(
      "early_baseline", other, epochs: 25,
      callbacks: [EarlyStopping(monitor: "val_accuracy", patience: 3, baseline: 0.99, restoreBestWeights: true)], split: 0.4)
  }

  @Test func ratesThatChange() throws {
    let model = try mlp(), log = FileManager.default.temporaryDirectory.appending(path: "log-\(UUID().uuidString).csv").path()
    defer { try? FileManager.default.removeItem(atPath: log) }
    model.compile(optimizer: try sgd(0.8), loss: Self.sparse)
    try check(
      "reduce", model, epochs: 14, callbacks: [try ReduceLROnPlateau(factor: 0.5, patience: 1, cooldown: 1, minLR: 0.1), CSVLogger(log)],
      split: 0.4)
    let lines = try String(contentsOfFile: log, encoding: .utf8).split(separator: "\r\n")
    #expect(lines.first.map(String.init) == (try Self.fixture.get().json["reduce"]?["header"]?.stringValue))
    #expect(lines.count == 15)
    let other = try mlp()
    other.compile(optimizer: try sgd(), loss: Self.sparse)
    try check("schedule", other, callbacks: [LearningRateScheduler { epoch, rate in epoch > 0 ? rate * 0.7 : rate }])
  }

  @Test func checkpoints() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "checkpoints-\(UUID().uuidString)").path()
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let model = try mlp()
    model.compile(optimizer: try sgd(), loss: Self.sparse)
    try check(
      "checkpoint", model, epochs: 5,
      callbacks: [
        try ModelCheckpoint("\(folder)/best-{epoch:02d}.keras", saveBestOnly: true),
        try ModelCheckpoint("\(folder)/all/{epoch:02d}-{val_loss:.2f}.keras"),
        try ModelCheckpoint("\(folder)/w-{epoch}-{batch:03d}.weights.h5", saveWeightsOnly: true, saveFreq: 4),
      ], split: 0.4)
    let files = try FileManager.default.subpathsOfDirectory(atPath: folder).filter { $0.contains(".") }.sorted()
    #expect(files == (try Self.fixture.get().json["checkpoint"]?["files"]?.arrayValue?.compactMap(\.stringValue)))
    let last = try Model.load("\(folder)/\(try #require(files.first { $0.hasPrefix("all/05") }))")
    for (a, b) in zip(last.getWeights(), model.getWeights()) { #expect(try a.doubles() == b.doubles()) }
  }

  @Test func penalties() throws {
    let model = try mlp(kernel: L1L2(l1: 0.01, l2: 0.02), bias: try Regularizers.get("l2"), activity: L1(0.03))
    model.compile(optimizer: try sgd(), loss: Self.sparse)
    try check("penalties", model, split: 0.2)
    for mode in [OrthogonalRegularizer.Mode.rows, .columns] {
      let model = try Sequential(
        [
          Dense(4, kernelRegularizer: OrthogonalRegularizer(factor: 0.5, mode: mode)), ActivityRegularization(l1: 0.01, l2: 0.02),
          Dense(2, kernelRegularizer: L1()),
        ], inputShape: [5])
      model.compile(optimizer: try sgd(0.05), loss: "mse")
      try check("orthogonal_\(mode.rawValue)", model, ["real"], split: 0.2)
    }
  }

  @Test func constraints() throws {
    let all: [(String, any Constraint)] = [
      ("max_norm", MaxNorm(0.9)), ("min_max_norm", MinMaxNorm(minValue: 0.5, maxValue: 0.8, rate: 0.7, axes: [1])), ("non_neg", NonNeg()),
      ("unit_norm", UnitNorm()),
    ]
    for (name, constraint) in all {
      let model = try mlp(kernelConstraint: constraint, biasConstraint: NonNeg())
      model.compile(optimizer: try sgd(), loss: Self.sparse)
      try check(name, model)
    }
  }

  @Test func optimizersThatEndOrScale() throws {
    let averaged = try mlp()
    averaged.compile(optimizer: try sgd(0.3, .ema(momentum: 0.8)), loss: Self.sparse)
    try check("ema", averaged, split: 0.2)
    let scaled = try mlp()
    scaled.compile(optimizer: try LossScaleOptimizer(try sgd(), dynamicGrowthSteps: 3), loss: Self.sparse)
    try check("loss_scale", scaled)
  }

  @Test func severalOutputs() throws {
    func two() throws -> Model {
      let x = Input(shape: [5]), h = try Dense(6, activation: "relu")(x)
      return try Model(inputs: [x], outputs: [try Dense(3, activation: "softmax", name: "kind")(h), try Dense(2, name: "size")(h)])
    }
    let weight = try array("sample_weight"), model = try two()
    model.compile(
      optimizer: try sgd(0.05), loss: ["kind": Self.sparse, "size": "mse"], lossWeights: ["kind": 0.5, "size": 2],
      metrics: ["kind": ["accuracy"], "size": ["mae", "mse"]], weightedMetrics: ["size": ["mae"]])
    try check("two_outputs", model, ["sparse", "real"], sampleWeight: [weight, try weight.reverse(axis: 0)])
    let lists = try two()
    lists.compile(optimizer: try sgd(0.05), loss: [Self.sparse, "mae"], metrics: [["accuracy"], ["mse"]])
    try check("two_lists", lists, ["sparse", "real"], split: 0.2)
  }
}
