import ModelKit
import ModelSupport
import OrderedCollections

/// How `TrainingJob` trains.
public struct TrainingOptions: Sendable {
  /// A name of `Losses.names` for all outputs, or one for each.
  public var losses: [String]
  /// What each output's loss counts; all count the same when empty.
  public var lossWeights: [Double] = []
  /// Whether the model gives logits: cross-entropies turn them into probabilities.
  public var fromLogits = false
  public var labelSmoothing: Double?
  /// Names of `Metrics.names`, for each output. `accuracy` becomes the one that fits.
  public var metrics: [String] = []

  /// A name of `Optimizers.names`; `nil` (and no losses) goes on as the model was compiled when it was saved, its optimiser where it stood.
  public var optimizer: String?
  public var learningRate: Double?
  public var momentum: Double?
  public var weightDecay: Double?
  public var clipNorm: Double?
  public var globalClipNorm: Double?
  public var clipValue: Double?

  public var epochs: Int
  public var batchSize: Int
  public var shuffles = true
  /// Everything that is drawn follows from it: the order of samples, dropout.
  public var seed = 0
  /// The fraction of the samples, those at the end, that is kept for validation.
  public var validationSplit = 0.0

  /// What is read of the source.
  public var read = ReadOptions()
  /// What is written; `nil` goes by the destination's extension, and keeps the source's format without one.
  public var format: ModelFormat?
  public var replacesExisting = false
  /// Whether what was written is read back and held against the trained model.
  public var verifies = true
  /// Told the epoch, from 1, and how much of it is done.
  public var onProgress: (@Sendable (_ epoch: Int, _ part: Double) -> Void)?

  /// Where what the run needs to go on is kept while it runs; a run that finds something there goes on with it.
  public var backupDirectory: String?
  /// Batches between two backups; `nil` for one after each epoch.
  public var backupEvery: Int?
  /// Where event files for TensorBoard are written.
  public var logDirectory: String?

  public init(loss: String? = nil, optimizer: String? = nil, epochs: Int, batchSize: Int) {
    losses = loss.map { [$0] } ?? []
    self.optimizer = optimizer
    self.epochs = epochs
    self.batchSize = batchSize
  }

  /// - Throws: `UsageError` for a name that is not known, naming those that are, and for arguments that don't fit it.
  public func makeOptimizer() throws -> any Optimizer {
    guard let optimizer else { throw UsageError("there is no optimiser to make: the model's own goes on") }
    var config: OrderedDictionary<String, JSONValue> = [:]
    for (key, value) in [
      ("learning_rate", learningRate), ("momentum", momentum), ("weight_decay", weightDecay), ("clipnorm", clipNorm),
      ("global_clipnorm", globalClipNorm), ("clipvalue", clipValue),
    ] {
      if let value { config[key] = .double(value) }
    }
    if momentum != nil, !["sgd", "rmsprop", "muon"].contains(optimizer.lowercased()) {
      throw UsageError("the optimiser '\(optimizer)' takes no momentum; sgd, rmsprop and muon do")
    }
    return try usage { try Optimizers.deserialize(["class_name": .string(optimizer), "config": .object(config)]) }
  }

  /// One loss for each output.
  /// - Throws: as `makeOptimizer`.
  public func makeLosses(outputs: Int) throws -> [any Loss] {
    guard losses.count == 1 || losses.count == outputs else {
      throw UsageError("the model has \(outputs) outputs, found \(losses.count) losses: give one for all, or one for each in order")
    }
    guard lossWeights.isEmpty || lossWeights.count == outputs else {
      throw UsageError("the model has \(outputs) outputs, found \(lossWeights.count) weights of losses")
    }
    let made = try losses.map { name in
      let plain = try usage { try Losses.get(name) }
      guard fromLogits || labelSmoothing != nil else { return plain }
      // Without its own reduction and arguments, which are the defaults.
      let known = Losses.namesWithLogits.contains(plain.name)
      guard known else {
        let others = Losses.namesWithLogits.sorted().joined(separator: ", ")
        throw UsageError(
          "the loss '\(name)' takes neither logits nor smoothed labels; those that do: " + others
        )
      }
      var config: OrderedDictionary<String, JSONValue> = ["from_logits": .bool(fromLogits)]
      if let labelSmoothing { config["label_smoothing"] = .double(labelSmoothing) }
      return try usage { try Losses.deserialize(["class_name": .string(plain.name), "config": .object(config)]) }
    }
    return made.count == outputs ? made : (0..<outputs).map { _ in made[0] }
  }

  /// A metric for shapes that are not known yet.
  func metric(_ name: String) throws -> any Metric { try usage { try Metrics.resolve(name, yTrueShape: [1, 1], yPredShape: [1, 1]) } }

  /// The metrics of one output.
  func makeMetrics(target: [Int], output: [Int]) throws -> [any Metric] {
    try metrics.map { name in try usage { try Metrics.resolve(name, yTrueShape: target, yPredShape: output) } }
  }
}

/// What a name or an argument is refused for, as a matter of usage.
private func usage<R>(_ body: () throws -> R) throws -> R {
  do { return try body() } catch let error as TensorError { throw UsageError(error.message) }
}
