/// The metrics of a compiled model, each at its output, under the names of its figures.
struct CompiledMetrics {
  struct Entry {
    let output: Int
    let metric: any Metric
    /// As it was called in `compile`.
    let name: String
    /// Of the figure: with the output's name where there are several.
    let figure: String
    let isWeighted: Bool
  }
  let entries: [Entry]

  /// - Throws: `TensorError` for names that Keras does not know, and numbers that do not fit the outputs.
  init(_ arguments: CompileArguments, outputs: [String], targets: [[Int]], predictions: [[Int]]) throws {
    var entries: [Entry] = [], used: [String: Int] = [:]
    for (given, isWeighted) in [(arguments.metrics, false), (arguments.weightedMetrics, true)] {
      for (index, list) in try Self.perOutput(given, outputs, isWeighted ? "weightedMetrics" : "metrics").enumerated() {
        for identifier in list {
          let target = targets.indices.contains(index) ? targets[index] : predictions[index]
          let metric = try Self.resolve(identifier, target, predictions[index])
          // Before anything is counted, so that a run that is resumed finds them.
          if let metric = metric as? any ClasswiseMetric, predictions[index].count == 2, predictions[index][1] > 0 {
            try metric.build(classes: predictions[index][1])
          }
          let name = identifier as? String ?? metric.name
          let prefix = outputs.count > 1 ? "\(outputs[index])_" : ""
          var figure = prefix + name
          // A weighted metric beside the same without weights says so.
          if isWeighted, used[figure] != nil { figure = "\(prefix)weighted_\(name)" }
          let count = used[figure, default: 0]
          used[figure] = count + 1
          if count > 0 { figure += "_\(count)" }
          entries.append(Entry(output: index, metric: metric, name: name, figure: figure, isWeighted: isWeighted))
        }
      }
    }
    self.entries = entries
  }

  private static func perOutput(
    _ given: PerOutput<[any MetricIdentifier]>, _ outputs: [String], _ what: String
  ) throws -> [[any MetricIdentifier]] {
    switch given {
    // A plain list for several outputs has one metric for each.
    case .one(let list) where outputs.count > 1:
      guard list.count == outputs.count else {
        throw TensorError(.invalidArgument, "compile: \(list.count) of \(what) for \(outputs.count) outputs")
      }
      return list.map { [$0] }
    case .list(let lists) where outputs.count == 1: return [lists.flatMap { $0 ?? [] }]
    default: return try given.values(for: outputs, what, repeats: false).map { $0 ?? [] }
    }
  }
  private static func resolve(_ identifier: any MetricIdentifier, _ target: [Int], _ prediction: [Int]) throws -> any Metric {
    if let name = identifier as? String { return try Metrics.resolve(name, yTrueShape: target, yPredShape: prediction) }
    guard let metric = identifier as? any Metric else { throw TensorError(.invalidArgument, "compile: expected a metric or its name") }
    return metric
  }

  func update(_ y: [Tensor], _ predictions: [Tensor], _ weights: [Tensor], _ losses: CompiledLosses) throws {
    for entry in entries {
      let place = losses.parts.firstIndex { $0.output == entry.output } ?? entry.output
      let index = y.count == predictions.count ? entry.output : place
      guard y.indices.contains(index) else {
        throw TensorError(.invalidArgument, "the metric '\(entry.figure)' has no targets")
      }
      let weight = entry.isWeighted ? try CompiledLosses.weight(weights, entry.output, place) : nil
      try entry.metric.updateState(y[index], predictions[entry.output], sampleWeight: weight)
    }
  }
  func reset() throws { for entry in entries { try entry.metric.resetState() } }
  /// The figures that are several numbers.
  func lists() throws -> [String: [Double]] {
    var lists: [String: [Double]] = [:]
    for entry in entries {
      let result = try entry.metric.result()
      if result.rank > 0 { lists[entry.figure] = try result.doubles() }
    }
    return lists
  }
  func results() throws -> Logs {
    var logs: Logs = [:]
    for entry in entries { logs[entry.figure] = try entry.metric.result().reduceMean().item() }
    return logs
  }
}
