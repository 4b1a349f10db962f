import Foundation
import ModelSupport
import ModelTraining
import Testing

/// What callbacks are told, and what they write down, as Keras was recorded: `fixtures/training/generate_callbacks.py`.
@Suite struct LoggingFixtureTests {
  static let fixture = CallbackFixtureTests.fixture

  private final class Spy: Callback {
    var calls: [(String, Int?, Logs)] = []
    let stop: Int?
    weak var model: Model?
    init(stop: Int?) { self.stop = stop }
    func setModel(_ model: Model) { self.model = model }
    func onTrainBegin(_ logs: Logs) { calls.append(("train_begin", nil, logs)) }
    func onTrainEnd(_ logs: Logs) { calls.append(("train_end", nil, logs)) }
    func onEpochBegin(_ epoch: Int, _ logs: Logs) { calls.append(("epoch_begin", epoch, logs)) }
    func onEpochEnd(_ epoch: Int, _ logs: Logs) { calls.append(("epoch_end", epoch, logs)) }
    func onTrainBatchBegin(_ batch: Int, _ logs: Logs) { calls.append(("train_batch_begin", batch, logs)) }
    func onTrainBatchEnd(_ batch: Int, _ logs: Logs) {
      if stop == calls.count(where: { $0.0 == "train_batch_end" }) { model?.stopTraining = true }
      calls.append(("train_batch_end", batch, logs))
    }
    func onTestBegin(_ logs: Logs) { calls.append(("test_begin", nil, logs)) }
    func onTestEnd(_ logs: Logs) { calls.append(("test_end", nil, logs)) }
    func onTestBatchBegin(_ batch: Int, _ logs: Logs) { calls.append(("test_batch_begin", batch, logs)) }
    func onTestBatchEnd(_ batch: Int, _ logs: Logs) { calls.append(("test_batch_end", batch, logs)) }
    func onPredictBegin(_ logs: Logs) { calls.append(("predict_begin", nil, logs)) }
    func onPredictEnd(_ logs: Logs) { calls.append(("predict_end", nil, logs)) }
    func onPredictBatchBegin(_ batch: Int, _ logs: Logs) { calls.append(("predict_batch_begin", batch, logs)) }
    func onPredictBatchEnd(_ batch: Int, _ logs: Logs) { calls.append(("predict_batch_end", batch, logs)) }
  }

  @Test func ordersOfCalls() throws {
    let fixture = try Self.fixture.get(), rows = fixture.json["hooks"]?.arrayValue ?? []
    try #require(rows.count == 8)
    for row in rows {
      let model = try fixture.regression(), spy = Spy(stop: row["stop"]?.intValue)
      try fixture.fit(model, row["fit"], callbacks: [spy])
      switch row["then"]?.stringValue {
      case "evaluate": _ = try model.evaluate(fixture.x, fixture.y, batchSize: 4, verbose: 0, callbacks: [spy])
      case "predict": _ = try model.predict(fixture.x, batchSize: 4, verbose: 0, callbacks: [spy])
      default: break
      }
      let expected = row["calls"]?.arrayValue ?? []
      let order: [String] = spy.calls.map { call in "\(call.0) \(call.1 ?? -1)" }
      let wanted: [String] = expected.map { call in "\(call[0]?.stringValue ?? "") \(call[1]?.intValue ?? -1)" }
      #expect(order == wanted)
      for ((hook, _, logs), call) in zip(spy.calls, expected) {
        let theirs = call[2]?.objectValue ?? [:]
        #expect(logs.keys.sorted() == theirs.keys.sorted(), "\(hook)")
        for (name, value) in theirs {
          // Of several numbers, logs have the mean.
          let numbers = value.arrayValue?.compactMap(\.doubleValue) ?? [value.doubleValue ?? .nan]
          let mean = numbers.reduce(0, +) / Double(numbers.count)
          #expect(abs((logs[name] ?? .nan) - mean) <= 1e-5 * max(1, abs(mean)), "\(hook): \(name)")
        }
      }
    }
  }

  /// Fields and their quotes as Python writes them; numbers as near as sums in another order come.
  @Test func tables() throws {
    let fixture = try Self.fixture.get(), rows = fixture.json["tables"]?.arrayValue ?? []
    try #require(rows.count == 7)
    let path = FileManager.default.temporaryDirectory.appending(path: "table-\(UUID().uuidString).csv").path()
    for row in rows {
      defer { try? FileManager.default.removeItem(atPath: path) }
      let model = try fixture.regression(), separator = row["options"]?["separator"]?.stringValue ?? ","
      for fit in row["fits"]?.arrayValue ?? [] {
        let logger = CSVLogger(path, separator: separator, append: fit["own"]?["append"]?.boolValue ?? false)
        let rates: [any Callback] = fit["rates"]?.boolValue == true ? [LearningRateScheduler { $1 * 0.5 }] : []
        try fixture.fit(model, fit, callbacks: rates + [logger])
      }
      let mine = try String(contentsOfFile: path, encoding: .utf8), theirs = try #require(row["text"]?.stringValue)
      func parts(_ text: String) -> (String, [Double]) {
        let number = #/-?[0-9]+\.[0-9]+(e-[0-9]+)?/#
        return (text.replacing(number, with: "#"), text.matches(of: number).compactMap { Double($0.output.0) })
      }
      #expect(parts(mine).0 == parts(theirs).0)
      for (a, b) in zip(parts(mine).1, parts(theirs).1) { #expect(abs(a - b) <= 1e-5 * max(1, abs(b))) }
    }
  }

  private func pictured() throws -> Model {
    let words = Input(shape: [4], dtype: .int32, name: "words")
    let h = try BatchNormalization(name: "norm")(
      try GRU(2, name: "gru")(try Conv1D(3, 2, name: "conv")(try Embedding(5, 6, name: "table")(words))))
    let inner = try Sequential([Dense(7, name: "deep")], inputShape: [2], name: "inner")
    let model = try Model(inputs: words, outputs: try Dense(1, name: "out")(try inner(h)))
    model.compile(optimizer: try SGD(learningRate: 0.1), loss: "mse", metrics: ["mae"])
    return model
  }

  /// The same events in the same files. Keras leaves figures of epochs out where `update_freq` does not divide the batches; ours has them.
  @Test func boards() throws {
    let fixture = try Self.fixture.get(), rows = fixture.json["boards"]?.arrayValue ?? []
    try #require(rows.count == 10)
    let words = try CallbackFixture.tensor(fixture.json["data"]?["words"]).cast(to: .int32)
    let size = try CallbackFixture.tensor(fixture.json["data"]?["size"])
    for row in rows {
      let folder = FileManager.default.temporaryDirectory.appending(path: "board-\(UUID().uuidString)").path()
      defer { try? FileManager.default.removeItem(atPath: folder) }
      let model = try pictured(), given = row["options"], comment: Comment = "\(given?.text() ?? "")"
      try model.setWeights(try fixture.first("board_first"))
      let frequency: SaveFrequency = given?["update_freq"]?.intValue.map { .batches($0) } ?? (given?["update_freq"] == "batch" ? 1 : .epoch)
      let metadata: EmbeddingsMetadata
      switch given?["embeddings_metadata"] {
      case .string(let path): metadata = .all(path)
      case .object(let paths): metadata = .layers(Dictionary(uniqueKeysWithValues: paths.map { ($0.key, $0.value.stringValue ?? "") }))
      default: metadata = [:]
      }
      let board = try TensorBoard(
        folder, histogramFreq: given?["histogram_freq"]?.intValue ?? 0, writeGraph: given?["write_graph"]?.boolValue ?? true,
        writeImages: given?["write_images"]?.boolValue ?? false, writeStepsPerSecond: given?["write_steps_per_second"]?.boolValue ?? false,
        updateFreq: frequency, embeddingsFreq: given?["embeddings_freq"]?.intValue ?? 0, embeddingsMetadata: metadata)
      let rates: [any Callback] = row["rates"]?.boolValue == true ? [LearningRateScheduler { $1 * 0.5 }] : []
      try model.fit(
        words, size, batchSize: 2, epochs: row["fit"]?["epochs"]?.intValue ?? 1, verbose: 0, callbacks: rates + [board],
        validationSplit: row["fit"]?["validation_split"]?.doubleValue ?? 0, shuffle: false)

      var mine: [String: EventReader.Event] = [:], theirs: [String: JSONValue] = [:]
      for run in ["train", "validation"] {
        for event in try EventReader.events(in: "\(folder)/\(run)") { mine["\(run) \(event.tag) \(event.step) \(event.plugin)"] = event }
      }
      for event in row["events"]?.arrayValue ?? [] {
        let words = [event[0], event[1], event[3]].map { $0?.stringValue ?? "" }
        theirs["\(words[0]) \(words[1]) \(event[2]?.intValue ?? -1) \(words[2])"] = event[4] ?? .null
      }
      let beyond = mine.keys.filter { theirs[$0] == nil && !(frequency != .epoch && $0.contains("evaluation_")) }
      #expect(beyond.isEmpty, comment)
      for (key, expected) in theirs {
        guard let event = mine[key] else {
          Issue.record("\(given?.text() ?? ""): \(key) is missing")
          continue
        }
        let list = expected.arrayValue ?? []
        if event.plugin == "images" {
          let extents = event.strings.prefix(2).compactMap { Int(String(decoding: $0, as: UTF8.self)) }
          #expect(extents == list.prefix(2).map { $0.intValue ?? -1 } && event.strings.count == list.count, "\(key)")
          for (file, picture) in zip(event.strings.dropFirst(2), list.dropFirst(2)) {
            // Stored pixels: behind the header's chunk, the data chunk's and the block's own beginnings, a byte before each row.
            let width = extents[0], rows = (0..<extents[1]).map { 48 + 1 + $0 * (width + 1) }
            let pixels: [Int] = rows.flatMap { start in file[start..<(start + width)].map { Int($0) } }
            let wanted = picture.arrayValue?.dropLast().compactMap(\.intValue) ?? []
            #expect(pixels.count == wanted.count && zip(pixels, wanted).allSatisfy { abs($0 - $1) <= 1 }, "\(key)")
          }
        } else if event.plugin == "histograms" {
          #expect(event.values.count == list.count, "\(key)")
          for (a, b) in zip(event.values, list) { #expect(abs(a - CallbackFixture.number(b)) <= 1e-4, "\(key)") }
        } else if !expected.isNull {
          #expect(event.values.count == 1 && abs(event.values[0] - CallbackFixture.number(list[0])) <= 1e-4, "\(key)")
        }
      }
      let files = try FileManager.default.subpathsOfDirectory(atPath: folder).filter { $0.contains(".") && !$0.contains("tfevents") }
      #expect(files.sorted() == row["files"]?.arrayValue?.compactMap(\.stringValue), comment)
      for (file, text) in row["texts"]?.objectValue ?? [:] {
        #expect(try String(contentsOfFile: "\(folder)/\(file)", encoding: .utf8) == text.stringValue, comment)
      }
    }
  }
}
