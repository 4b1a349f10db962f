import KerasConfig
import ModelGraph
import ModelSupport

/// Writes event files for TensorBoard: figures of epochs and batches, histograms and pictures of weights, the graph of layers.
public final class TensorBoard: Callback {
  public let logDirectory: String
  /// Histograms after every so many epochs; 0 for none.
  public let histogramFrequency: Int
  public let writesGraph: Bool
  /// Whether weights are drawn beside their histograms.
  public let writesImages: Bool
  public let writesStepsPerSecond: Bool
  /// `.epoch`, or figures of every so many batches too.
  public let updateFrequency: SaveFrequency
  /// Weights for the view of embeddings after every so many epochs; 0 for none.
  public let embeddingsFrequency: Int
  public let embeddingsMetadata: EmbeddingsMetadata
  weak var model: Model?
  private var train: EventFile?, validation: EventFile?
  private var batches = 0, iterations = 0.0
  private var epochStart = ContinuousClock.now, batchStart = ContinuousClock.now

  /// - Throws: `TensorError` for a frequency below 1.
  public init(
    _ logDirectory: String = "logs", histogramFreq: Int = 0, writeGraph: Bool = true, writeImages: Bool = false,
    writeStepsPerSecond: Bool = false, updateFreq: SaveFrequency = .epoch, embeddingsFreq: Int = 0,
    embeddingsMetadata: EmbeddingsMetadata = [:]
  ) throws {
    if case .batches(let count) = updateFreq, count < 1 {
      throw TensorError(.invalidArgument, "TensorBoard: expected a frequency of 1 batch or more, found \(count)")
    }
    self.logDirectory = logDirectory
    histogramFrequency = histogramFreq
    writesGraph = writeGraph
    writesImages = writeImages
    embeddingsFrequency = embeddingsFreq
    self.embeddingsMetadata = embeddingsMetadata
    writesStepsPerSecond = writeStepsPerSecond
    updateFrequency = updateFreq
  }
  public func setModel(_ model: Model) { self.model = model }
  public var wantsBatchLogs: Bool { updateFrequency != .epoch }

  public func onTrainBegin(_ logs: Logs) throws {
    batches = 0
    train = try EventFile(in: "\(logDirectory)/train")
    validation = nil
    if embeddingsFrequency > 0 { try configureEmbeddings() }
  }
  public func onTrainBatchBegin(_ batch: Int, _ logs: Logs) { if writesStepsPerSecond { batchStart = .now } }
  public func onTrainBatchEnd(_ batch: Int, _ logs: Logs) throws {
    batches += 1
    // Weights are there after the first batch at the latest.
    if batches == 1, writesGraph { try writeGraph() }
    guard case .batches(let frequency) = updateFrequency, batches % frequency == 0 else { return }
    if writesStepsPerSecond {
      try train?.scalar("batch_steps_per_second", 1 / Swift.max(batchStart.duration(to: .now).seconds, 1e-9), step: batches)
    }
    for (name, value) in ProgbarLogger.ordered(logs) { try train?.scalar("batch_\(name)", value, step: batches) }
  }
  public func onTestEnd(_ logs: Logs) throws {
    guard let model, let iterations = try model.optimizer?.iterations.stored.item() else { return }
    let file = try validationFile()
    let step = Int(exactly: iterations) ?? .max
    for (name, value) in ProgbarLogger.ordered(logs) { try file.scalar("evaluation_\(name)_vs_iterations", value, step: step) }
    try file.flush()
  }
  public func onEpochBegin(_ epoch: Int, _ logs: Logs) throws {
    guard writesStepsPerSecond else { return }
    iterations = try model?.optimizer?.iterations.stored.item() ?? 0
    epochStart = .now
  }
  public func onEpochEnd(_ epoch: Int, _ logs: Logs) throws {
    guard let model else { return }
    var own = logs
    try model.addLearningRates(to: &own)
    if writesStepsPerSecond, let now = try model.optimizer?.iterations.stored.item() {
      own["steps_per_second"] = (now - iterations) / Swift.max(epochStart.duration(to: .now).seconds, 1e-9)
    }
    for (name, value) in ProgbarLogger.ordered(own) {
      if name.hasPrefix("val_") {
        try validationFile().scalar("epoch_\(name.dropFirst(4))", value, step: epoch)
      } else {
        try train?.scalar("epoch_\(name)", value, step: epoch)
      }
    }
    if histogramFrequency > 0, epoch % histogramFrequency == 0 {
      for layer in model.layers {
        for weight in layer.weights {
          try train?.histogram("\(weight.path)/histogram", try weight.stored.doubles(), step: epoch)
          if writesImages, let picture = try WeightPicture(weight.stored) { try train?.image("\(weight.path)/image", picture, step: epoch) }
        }
      }
    }
    if embeddingsFrequency > 0, epoch % embeddingsFrequency == 0 {
      try model.saveWeights("\(logDirectory)/train/keras_embedding.ckpt-\(epoch).weights.h5")
    }
    try train?.flush()
    try validation?.flush()
  }
  public func onTrainEnd(_ logs: Logs) { (train, validation) = (nil, nil) }

  private func validationFile() throws -> EventFile {
    if let validation { return validation }
    let made = try EventFile(in: "\(logDirectory)/validation")
    validation = made
    return made
  }

  private func writeGraph() throws {
    guard let model, let canonical = try? model.canonical() else { return }
    if let document = try? KerasModelConfig.write(canonical, generation: .keras3) { try train?.kerasModel(document.config.text()) }
    let graph = canonical.mainGraph
    var nodes = graph.inputs.map { (name: Self.named($0.name), kind: "Placeholder", inputs: [String]()) }
    for id in try graph.order() {
      let node = graph[id]
      let inputs = node.inputs.compactMap { input -> String? in
        guard let input else { return nil }
        if let producer = graph.producer(of: input) { return Self.named(graph[producer].name) }
        return graph.inputs.first { $0.value == input }.map { Self.named($0.name) }
      }
      nodes.append((Self.named(node.name), node.op.displayName, inputs))
    }
    try train?.graph(nodes)
  }
  /// Names as TensorFlow's graphs allow them.
  private static func named(_ name: String) -> String {
    String(name.map { $0.isASCII && ($0.isLetter || $0.isNumber || "._/-".contains($0)) ? $0 : "_" })
  }
}
