import ModelSupport

/// Saves the model, or its weights, while it trains. A file appears whole or not at all.
public final class ModelCheckpoint: MonitorCallback, ResumableCallback {
  public let filePath: String
  public let verbose: Int
  public let saveBestOnly: Bool
  public let saveWeightsOnly: Bool
  public let saveFrequency: SaveFrequency
  private var batches = BatchCounter()
  private var epoch = 0

  /// - Parameters:
  ///   - filePath: may hold figures: `{epoch:02d}-{val_loss:.2f}.keras`, and `{batch}` where batches are counted. Ends in
  ///     `.weights.h5` for weights only.
  ///   - initialValueThreshold: what the first model has to be better than.
  /// - Throws: `TensorError` for a path that has the wrong extension.
  public init(
    _ filePath: String, monitor: String = "val_loss", verbose: Int = 0, saveBestOnly: Bool = false, saveWeightsOnly: Bool = false,
    mode: MonitorMode = .auto, saveFreq: SaveFrequency = .epoch, initialValueThreshold: Double? = nil
  ) throws {
    let extensions = saveWeightsOnly ? [".weights.h5"] : [".keras", ".h5"]
    guard extensions.contains(where: filePath.hasSuffix) else {
      throw TensorError(.invalidArgument, "ModelCheckpoint: '\(filePath)' has to end in \(extensions.joined(separator: " or "))")
    }
    if case .batches(let count) = saveFreq, count < 1 {
      throw TensorError(.invalidArgument, "ModelCheckpoint: expected a frequency of 1 batch or more, found \(count)")
    }
    self.filePath = filePath
    self.verbose = verbose
    self.saveBestOnly = saveBestOnly
    self.saveWeightsOnly = saveWeightsOnly
    saveFrequency = saveFreq
    super.init(monitor: monitor, mode: mode, baseline: initialValueThreshold)
  }

  public override var wantsBatchLogs: Bool { saveFrequency != .epoch }
  public override func onEpochBegin(_ epoch: Int, _ logs: Logs) { self.epoch = epoch }
  public override func onTrainBatchEnd(_ batch: Int, _ logs: Logs) throws {
    guard case .batches(let frequency) = saveFrequency, batches.isDue(batch, every: frequency) else { return }
    if saveBestOnly { try findDirection() }
    try save(batch, logs)
  }
  public override func onEpochEnd(_ epoch: Int, changing logs: inout Logs) throws {
    try findDirection()
    if saveFrequency == .epoch { try save(nil, logs) }
  }

  private func save(_ batch: Int?, _ logs: Logs) throws {
    var integers = ["epoch": epoch + 1]
    if let batch { integers["batch"] = batch + 1 }
    let path = try PathTemplate(text: filePath).filled(integers, logs)
    guard try shouldSave(path, logs), let watched else { return }
    if let slash = path.lastIndex(of: "/"), slash != path.startIndex { try FileSystem.createDirectories(String(path[..<slash])) }
    if saveWeightsOnly { try watched.saveWeights(path) } else { try watched.save(path) }
    if verbose > 0 { Console.print("\nEpoch \(epoch + 1): finished saving model to \(path)\n") }
  }
  private func shouldSave(_ path: String, _ logs: Logs) throws -> Bool {
    guard saveBestOnly else {
      if verbose > 0 { Console.print("\nEpoch \(epoch + 1): saving model to \(path)\n") }
      return true
    }
    guard let current = logs[monitor] else {
      Console.warn("the best model can only be told with '\(monitor)', which is not available")
      return true
    }
    let before = best.map { Console.format("%.5f", $0) } ?? "None"
    guard isImprovement(current, over: best) else {
      if verbose > 0 { Console.print("\nEpoch \(epoch + 1): \(monitor) did not improve from \(before)\n") }
      return false
    }
    if verbose > 0 {
      Console.print(
        "\nEpoch \(epoch + 1): \(monitor) improved from \(before) to \(Console.format("%.5f", current)), saving model to \(path)\n")
    }
    best = current
    return true
  }

  public func savedState() throws -> [String: Tensor] {
    var state = try savedBest()
    state["batches"] = try batches.saved()
    return state
  }
  public func restoreState(_ state: [String: Tensor]) throws {
    guard let saved = state["batches"] else { return }
    batches = try BatchCounter(saved)
    best = try state.number("best")
  }
}

/// Counts batches over the epochs.
struct BatchCounter {
  private var seen = 0
  private var last: Int?
  init() {}
  init(_ saved: Tensor) throws {
    guard let numbers = try ["counts": saved].counts(), numbers.count == 2 else { return }
    seen = numbers[0]
    last = numbers[1] < 0 ? nil : numbers[1]
  }
  func saved() throws -> Tensor { Tensor([Int64(seen), Int64(last ?? -1)]) }

  /// Whether so many batches have passed since it last was.
  mutating func isDue(_ batch: Int, every frequency: Int) -> Bool {
    seen += last.map { batch > $0 ? batch - $0 : batch + 1 } ?? batch + 1
    last = batch
    guard seen >= frequency else { return false }
    seen = 0
    return true
  }
}
