import ModelSupport
import OrderedCollections

/// Which optimiser takes which variable (Keras's `OptimizerMap`): by the path of the variable (`dense_1/kernel`), or by a regular expression
/// that the whole path matches.
///
/// ```swift
/// try OptimizerMap(default: SGD(), ["encoder/.*": Adam(learningRate: 1e-4)])
/// ```
public struct OptimizerMap {
  public let defaultOptimizer: any Optimizer
  public let optimizers: OrderedDictionary<String, any Optimizer>
  private let patterns: [(pattern: Regex<AnyRegexOutput>, optimizer: any Optimizer)]

  /// - Throws: `TensorError` for what is no regular expression, and for optimisers that hold others.
  public init(default defaultOptimizer: any Optimizer, _ optimizers: OrderedDictionary<String, any Optimizer> = [:]) throws {
    for optimizer in [defaultOptimizer] + optimizers.values where optimizer is LossScaleOptimizer || optimizer is MultiOptimizer {
      throw TensorError(.invalidArgument, "OptimizerMap: '\(optimizer.name)' holds optimisers itself and can't be one of several")
    }
    self.defaultOptimizer = defaultOptimizer
    self.optimizers = optimizers
    patterns = try optimizers.map { pattern, optimizer in
      do { return (try Regex(pattern), optimizer) } catch {
        throw TensorError(.invalidArgument, "OptimizerMap: '\(pattern)' is no regular expression")
      }
    }
  }

  /// All optimisers, each once, the default last.
  var all: [any Optimizer] {
    var result: [any Optimizer] = []
    for optimizer in Array(optimizers.values) + [defaultOptimizer] where !result.contains(where: { $0 === optimizer }) {
      result.append(optimizer)
    }
    return result
  }

  /// - Throws: `TensorError` when several patterns match.
  func optimizer(forPath path: String) throws -> any Optimizer {
    if let exact = optimizers[path] { return exact }
    let matching = patterns.filter { path.wholeMatch(of: $0.pattern) != nil }
    guard matching.count < 2 else {
      throw TensorError(.invalidArgument, "OptimizerMap: several optimisers are given for the variable '\(path)'")
    }
    return matching.first?.optimizer ?? defaultOptimizer
  }
}

extension Optimizers {
  /// An optimiser of several keys is written with a number that they share, as Keras does.
  static func serialize(_ map: OptimizerMap) throws -> JSONValue {
    let all = map.all, entries = Array(map.optimizers.values) + [map.defaultOptimizer]
    func json(_ optimizer: any Optimizer) throws -> JSONValue {
      var json = try serialize(optimizer)
      if entries.count(where: { $0 === optimizer }) > 1 {
        json["shared_object_id"] = .int((all.firstIndex { $0 === optimizer } ?? 0) + 1)
      }
      return json
    }
    return SerializedObject.json(
      module: "keras.optimizers", "OptimizerMap",
      [
        "default_optimizer": try json(map.defaultOptimizer), "optimizer_map": .object(try map.optimizers.mapValues(json)),
      ])
  }

  static func map(_ c: ConfigValues) throws -> OptimizerMap {
    var shared: [Int: any Optimizer] = [:]
    func optimizer(_ json: JSONValue) throws -> any Optimizer {
      let id = json["shared_object_id"]?.intValue
      if let known = id.flatMap({ shared[$0] }) { return known }
      let made = try deserialize(json)
      if let id { shared[id] = made }
      return made
    }
    guard let fallback = c.members["default_optimizer"], !fallback.isNull else {
      throw TensorError(.invalidArgument, "OptimizerMap: expected a default optimiser")
    }
    let made = try optimizer(fallback)
    return try OptimizerMap(default: made, try (c.members["optimizer_map"]?.objectValue ?? [:]).mapValues(optimizer))
  }
}
