/// What `compile` takes as an optimiser: one, or Keras's name of it (`"adam"`).
public protocol OptimizerIdentifier {}
/// What `compile` takes as a loss: one, or Keras's name of it (`"mse"`); `"crossentropy"` is chosen by the shapes.
public protocol LossIdentifier {}
/// What `compile` takes as a metric: one, or Keras's name of it; `"accuracy"` is chosen by the shapes.
public protocol MetricIdentifier {}

extension String: OptimizerIdentifier, LossIdentifier, MetricIdentifier {}

/// One for the whole model, one for each output in order, or by the names of outputs.
enum PerOutput<Value> {
  case none
  case one(Value)
  case list([Value?])
  case named([String: Value])

  /// The values in the order of the outputs.
  /// - Parameter repeats: whether one value goes for all outputs.
  /// - Throws: `TensorError` for names and numbers that do not fit the outputs.
  func values(for outputs: [String], _ what: String, repeats: Bool) throws -> [Value?] {
    switch self {
    case .none: return outputs.map { _ in nil }
    case .one(let value):
      guard repeats || outputs.count == 1 else {
        throw TensorError(.invalidArgument, "compile: one of \(what) for \(outputs.count) outputs")
      }
      return outputs.map { _ in value }
    case .list(let values):
      guard values.count == outputs.count else {
        throw TensorError(.invalidArgument, "compile: \(values.count) of \(what) for \(outputs.count) outputs")
      }
      return values
    case .named(let values):
      if let unknown = values.keys.sorted().first(where: { !outputs.contains($0) }) {
        throw TensorError(.invalidArgument, "compile: '\(unknown)' of \(what) is no output; there are \(outputs.joined(separator: ", "))")
      }
      return outputs.map { values[$0] }
    }
  }
}

/// What `compile` was told, as it was told.
struct CompileArguments {
  var losses: PerOutput<any LossIdentifier> = .none
  var lossWeights: PerOutput<Double> = .none
  var metrics: PerOutput<[any MetricIdentifier]> = .none
  var weightedMetrics: PerOutput<[any MetricIdentifier]> = .none
}

extension Model {
  /// Says how the model is trained. A loss goes for every output, metrics for the only one.
  ///
  /// - Parameters:
  ///   - weightedMetrics: metrics that take the weights of samples into account.
  ///   - runEagerly: steps run directly instead of as a traced graph.
  public func compile(
    optimizer: any OptimizerIdentifier = "rmsprop", loss: (any LossIdentifier)? = nil, lossWeights: [Double]? = nil,
    metrics: [any MetricIdentifier] = [], weightedMetrics: [any MetricIdentifier] = [], runEagerly: Bool = false
  ) {
    compile(
      optimizer,
      CompileArguments(
        losses: loss.map { .one($0) } ?? .none, lossWeights: lossWeights.map { .list($0) } ?? .none, metrics: Self.list(metrics),
        weightedMetrics: Self.list(weightedMetrics)), runEagerly)
  }
  /// The same with a loss (or none) and metrics for each output, in the order of the outputs.
  public func compile(
    optimizer: any OptimizerIdentifier = "rmsprop", loss: [(any LossIdentifier)?], lossWeights: [Double]? = nil,
    metrics: [[any MetricIdentifier]] = [], weightedMetrics: [[any MetricIdentifier]] = [], runEagerly: Bool = false
  ) {
    compile(
      optimizer,
      CompileArguments(
        losses: .list(loss), lossWeights: lossWeights.map { .list($0) } ?? .none, metrics: metrics.isEmpty ? .none : .list(metrics),
        weightedMetrics: weightedMetrics.isEmpty ? .none : .list(weightedMetrics)), runEagerly)
  }
  /// The same by the names of outputs.
  public func compile(
    optimizer: any OptimizerIdentifier = "rmsprop", loss: [String: any LossIdentifier], lossWeights: [String: Double]? = nil,
    metrics: [String: [any MetricIdentifier]] = [:], weightedMetrics: [String: [any MetricIdentifier]] = [:], runEagerly: Bool = false
  ) {
    compile(
      optimizer,
      CompileArguments(
        losses: .named(loss), lossWeights: lossWeights.map { .named($0) } ?? .none, metrics: metrics.isEmpty ? .none : .named(metrics),
        weightedMetrics: weightedMetrics.isEmpty ? .none : .named(weightedMetrics)), runEagerly)
  }

  private static func list(_ metrics: [any MetricIdentifier]) -> PerOutput<[any MetricIdentifier]> {
    metrics.isEmpty ? .none : .one(metrics)
  }
  func compile(_ optimizer: any OptimizerIdentifier, _ arguments: CompileArguments, _ runEagerly: Bool) {
    training = CompiledTraining(arguments: arguments, runEagerly: runEagerly)
    do {
      if let name = optimizer as? String {
        training.optimizer = try Optimizers.get(name)
      } else {
        training.optimizer = optimizer as? any Optimizer
      }
    } catch {
      // Said where it matters: `compile` itself does not throw.
      training.trouble = error
    }
  }
}
