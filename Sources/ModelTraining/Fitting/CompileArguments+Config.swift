import ModelSupport
import OrderedCollections

/// As Keras serialises the arguments of `compile`.
extension CompileArguments {
  /// - Throws: `TensorError.notSupported` for losses and metrics of one's own.
  func config(optimizer: any Optimizer, runEagerly: Bool) throws -> JSONValue {
    [
      "optimizer": try Optimizers.serialize(optimizer), "loss": try losses.json(Self.json),
      "loss_weights": try lossWeights.json { .double($0) },
      "metrics": try metrics.json { .array(try $0.map(Self.json)) },
      "weighted_metrics": try weightedMetrics.json { .array(try $0.map(Self.json)) },
      "run_eagerly": .bool(runEagerly), "steps_per_execution": 1, "jit_compile": false,
    ]
  }
  private static func json(_ loss: any LossIdentifier) throws -> JSONValue {
    if let name = loss as? String { return .string(name) }
    guard let loss = loss as? any Loss, case let written = Losses.serialize(loss), let again = try? Losses.deserialize(written),
      type(of: again) == type(of: loss)
    else { throw TensorError(.notSupported, "the loss '\(type(of: loss))' has no configuration that Keras knows") }
    return written
  }
  private static func json(_ metric: any MetricIdentifier) throws -> JSONValue {
    if let name = metric as? String { return .string(name) }
    guard let metric = metric as? any Metric, case let written = Metrics.serialize(metric), let again = try? Metrics.deserialize(written),
      type(of: again) == type(of: metric)
    else { throw TensorError(.notSupported, "the metric '\(type(of: metric))' has no configuration that Keras knows") }
    return written
  }

  /// From what `config` or Keras wrote.
  /// - Throws: `TensorError` for what is not known.
  init(_ json: JSONValue) throws {
    losses = try PerOutput(json["loss"] ?? .null) { try Self.loss($0) }
    lossWeights = try PerOutput(json["loss_weights"] ?? .null) { value in
      guard let weight = value.doubleValue else { throw TensorError(.invalidArgument, "compile: '\(value)' is no weight of a loss") }
      return weight
    }
    metrics = try Self.metrics(json["metrics"] ?? .null)
    weightedMetrics = try Self.metrics(json["weighted_metrics"] ?? .null)
  }
  private static func loss(_ json: JSONValue) throws -> any LossIdentifier {
    if let name = json.stringValue { return name }
    return try Losses.deserialize(json)
  }
  private static func metric(_ json: JSONValue) throws -> any MetricIdentifier {
    if let name = json.stringValue { return name }
    return try Metrics.deserialize(json)
  }
  private static func metrics(_ json: JSONValue) throws -> PerOutput<[any MetricIdentifier]> {
    // One list for the model, or lists for its outputs.
    if let list = json.arrayValue, !list.contains(where: { $0.arrayValue != nil || $0.isNull }) {
      return list.isEmpty ? .none : .one(try list.map(metric))
    }
    return try PerOutput(json) { try ($0.arrayValue ?? [$0]).map(metric) }
  }
}

extension PerOutput {
  func json(_ write: (Value) throws -> JSONValue) throws -> JSONValue {
    switch self {
    case .none: return .null
    case .one(let value): return try write(value)
    case .list(let values): return .array(try values.map { try $0.map(write) ?? .null })
    case .named(let values):
      var result: OrderedDictionary<String, JSONValue> = [:]
      for (name, value) in values.sorted(by: { $0.key < $1.key }) { result[name] = try write(value) }
      return .object(result)
    }
  }
  init(_ json: JSONValue, _ read: (JSONValue) throws -> Value) throws {
    if json.isNull {
      self = .none
    } else if let list = json.arrayValue {
      self = .list(try list.map { $0.isNull ? nil : try read($0) })
    } else if let members = json.objectValue, members["class_name"] == nil {
      var result: [String: Value] = [:]
      for (name, value) in members where !value.isNull { result[name] = try read(value) }
      self = .named(result)
    } else {
      self = .one(try read(json))
    }
  }
}
