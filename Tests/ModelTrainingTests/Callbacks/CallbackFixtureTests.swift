import Foundation
import ModelSupport
import ModelTraining
import Testing

/// Callbacks as Keras was recorded to act on scripted figures: `fixtures/training/generate_callbacks.py`.
@Suite struct CallbackFixtureTests {
  static let fixture = Result { try CallbackFixture() }

  /// Puts figures into the epoch's logs, and the epoch's number into the model's one weight.
  private final class Script: Callback {
    let figure: String
    let values: [Double?]
    weak var model: Model?
    init(_ figure: String, _ values: [Double?]) { (self.figure, self.values) = (figure, values) }
    func setModel(_ model: Model) { self.model = model }
    func onEpochEnd(_ epoch: Int, changing logs: inout Logs) throws {
      try model?.setWeights([try Tensor.full([1, 1], Double(epoch + 1))])
      if let value = values[epoch] { logs[figure] = value }
    }
  }
  private func model() throws -> Sequential {
    let model = try Sequential([Dense(1, useBias: false)], inputShape: [1])
    model.compile(
      optimizer: try SGD(learningRate: 0.5), loss: "mse", metrics: ["mae", try Metrics.BinaryAccuracy(name: "right")])
    return model
  }
  private func folder() throws -> String {
    let folder = FileManager.default.temporaryDirectory.appending(path: "callbacks-\(UUID().uuidString)").path()
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    return folder
  }

  private func made(_ name: String, _ given: JSONValue, in folder: String) throws -> any Callback {
    func number(_ key: String, _ fallback: Double = 0) -> Double { given[key]?.doubleValue ?? fallback }
    func count(_ key: String, _ fallback: Int = 0) -> Int { given[key]?.intValue ?? fallback }
    let monitor = given["monitor"]?.stringValue ?? "val_loss", mode = MonitorMode(rawValue: given["mode"]?.stringValue ?? "auto") ?? .auto
    switch name {
    case "EarlyStopping":
      return EarlyStopping(
        monitor: monitor, minDelta: number("min_delta"), patience: count("patience"), mode: mode, baseline: given["baseline"]?.doubleValue,
        restoreBestWeights: given["restore_best_weights"]?.boolValue ?? false, startFromEpoch: count("start_from_epoch"))
    case "ReduceLROnPlateau":
      return try ReduceLROnPlateau(
        monitor: monitor, factor: number("factor", 0.1), patience: count("patience", 10), mode: mode, minDelta: number("min_delta", 1e-4),
        cooldown: count("cooldown"), minLR: number("min_lr"))
    default:
      return try ModelCheckpoint(
        "\(folder)/\(given["filepath"]?.stringValue ?? "")", monitor: monitor, saveBestOnly: given["save_best_only"]?.boolValue ?? false,
        saveWeightsOnly: given["save_weights_only"]?.boolValue ?? false, mode: mode,
        saveFreq: given["save_freq"]?.intValue.map { .batches($0) } ?? .epoch,
        initialValueThreshold: given["initial_value_threshold"]?.doubleValue)
    }
  }
  /// The weight that a checkpoint holds.
  private func weight(_ path: String) throws -> Double {
    if !path.hasSuffix(".weights.h5") { return try Model.load(path).getWeights()[0].reshape([]).item() }
    let model = try model()
    try model.loadWeights(path)
    return try model.getWeights()[0].reshape([]).item()
  }

  @Test(arguments: ["EarlyStopping", "ReduceLROnPlateau", "ModelCheckpoint"])
  func scriptedFigures(_ name: String) throws {
    let cases = try Self.fixture.get().json["monitored"]?.arrayValue?.filter { $0["callback"]?.stringValue == name } ?? []
    try #require(cases.count >= 30)
    let x = try Tensor.zeros([4, 1]), model = try model()
    for (index, row) in cases.enumerated() {
      let folder = try folder(), values = row["values"]?.arrayValue ?? []
      defer { try? FileManager.default.removeItem(atPath: folder) }
      let given = try #require(row["arguments"]), callback = try made(name, given, in: folder), batches = row["batches"]?.intValue ?? 1
      let comment: Comment = "\(name) \(index): \(given.text()) on \(row["values"]?.text() ?? "")"
      try model.setWeights([try Tensor.zeros([1, 1])])
      try model.optimizer?.setLearningRate(0.5)
      for fit in row["fits"]?.arrayValue ?? [] {
        let script = Script(row["figure"]?.stringValue ?? "", values.map { $0.isNull ? nil : CallbackFixture.number($0) })
        let history = try model.fit(
          x, x, batchSize: 4 / batches, epochs: values.count, verbose: 0, callbacks: [script, callback], shuffle: false)
        #expect(history.epoch.count == fit["epochs"]?.intValue, comment)
        #expect(try model.getWeights()[0].reshape([]).item() == fit["weight"]?.doubleValue, comment)
        let rates = fit["rates"]?.arrayValue?.compactMap(\.doubleValue) ?? []
        #expect(history["learning_rate"] == rates, comment)
        #expect(try model.optimizer?.learningRate().item() == fit["rate"]?.doubleValue, comment)
        if let stopping = callback as? EarlyStopping {
          #expect(stopping.stoppedEpoch == fit["stopped_epoch"]?.intValue && stopping.bestEpoch == fit["best_epoch"]?.intValue, comment)
        }
        let best = fit["best"].flatMap { $0.isNull ? nil : CallbackFixture.number($0) }, mine = (callback as? MonitorCallback)?.best
        #expect(mine == best || mine?.isNaN == true && best?.isNaN == true, comment)
      }
      let expected = row["files"]?.objectValue ?? [:], found = try FileManager.default.subpathsOfDirectory(atPath: folder)
      #expect(found.filter { $0.contains(".") }.sorted() == expected.keys.sorted(), comment)
      for (file, value) in expected { #expect(try weight("\(folder)/\(file)") == value.doubleValue, comment) }
    }
  }

  /// Names of files in Python's spelling.
  @Test func templates() throws {
    let x = try Tensor.zeros([4, 1]), model = try model(), folder = try folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    for row in try Self.fixture.get().json["templates"]?.arrayValue ?? [] {
      let template = row[0]?.stringValue ?? "", script = Script("own", [row[1]?.doubleValue])
      let checkpoint = try ModelCheckpoint("\(folder)/\(template).weights.h5", monitor: "own", saveWeightsOnly: true, mode: .min)
      let result = Result { try model.fit(x, x, verbose: 0, callbacks: [script, checkpoint]) }
      let found = try FileManager.default.contentsOfDirectory(atPath: folder)
      #expect(found == (row[2]?.stringValue.map { [$0] } ?? []), "\(row.text())")
      if row[2]?.isNull == true { #expect(throws: TensorError.self) { try result.get() } }
      for name in found { try FileManager.default.removeItem(atPath: "\(folder)/\(name)") }
    }
  }

  @Test func ratesOfAnEpochAlone() throws {
    let x = try Tensor.zeros([4, 1]), scheduler = LearningRateScheduler { epoch in 0.5 / Double(epoch + 1) }
    let history = try model().fit(x, x, epochs: 3, verbose: 0, callbacks: [scheduler])
    let rates: [Float] = [0.5, 0.25, 0.5 / 3]
    #expect(history["learning_rate"] == rates.map(Double.init))
  }
}

/// What was recorded, and the model that its figures are of.
struct CallbackFixture {
  let json: JSONValue
  let x: Tensor, y: Tensor
  init() throws {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("fixtures/training")
    json = try JSONValue(parsing: Array(Data(contentsOf: folder.appendingPathComponent("callbacks.json"))))
    x = try Self.tensor(json["data"]?["x"])
    y = try Self.tensor(json["data"]?["y"])
  }
  /// Numbers, among them those that JSON has no word for.
  static func number(_ value: JSONValue) -> Double { value.doubleValue ?? value.stringValue.flatMap(Double.init) ?? .nan }
  static func tensor(_ value: JSONValue?) throws -> Tensor {
    var shape: [Int] = [], level = value
    while let list = level?.arrayValue {
      shape.append(list.count)
      level = list.first
    }
    func flat(_ value: JSONValue) -> [Double] { value.arrayValue?.flatMap(flat) ?? [number(value)] }
    return try Tensor(value.map(flat) ?? []).cast(to: .float32).reshape(shape)
  }
  func first(_ key: String) throws -> [Tensor] { try json["data"]?[key]?.arrayValue?.map { try Self.tensor($0) } ?? [] }

  func regression() throws -> Sequential {
    let model = try Sequential([Dense(2, name: "line")], inputShape: [3])
    model.compile(
      optimizer: try SGD(learningRate: 0.05), loss: "mse",
      metrics: ["mae", try Metrics.R2Score(classAggregation: nil, name: "each")])
    try model.setWeights(try first("first"))
    return model
  }
  func fit(_ model: Model, _ row: JSONValue?, batchSize: Int = 5, callbacks: [any Callback]) throws {
    try model.fit(
      x, y, batchSize: row?["batch_size"]?.intValue ?? batchSize, epochs: row?["epochs"]?.intValue ?? 1, verbose: 0, callbacks: callbacks,
      validationSplit: row?["validation_split"]?.doubleValue ?? 0, shuffle: false, initialEpoch: row?["initial_epoch"]?.intValue ?? 0,
      stepsPerEpoch: row?["steps_per_epoch"]?.intValue, validationFrequency: row?["validation_freq"]?.intValue ?? 1)
  }
}
