import ModelLayers
import ModelSupport

/// One key of a layer's configuration and the property that holds it: a row reads and writes.
struct ConfigRow<L>: Sendable {
  var key: String
  /// Older or shorter names that are read too.
  var aliases: [String] = []
  var isRequired = false
  var read: @Sendable (inout L, JSONValue) throws -> Void
  var write: @Sendable (L) throws -> JSONValue?
}

typealias RowPath<L, V> = any WritableKeyPath<L, V> & Sendable

/// Any value, as its type spells itself.
func row<L, V: ConfigValue>(_ key: String, _ path: RowPath<L, V>, also aliases: [String] = []) -> ConfigRow<L> {
  ConfigRow(key: key, aliases: aliases) { layer, json in
    layer[keyPath: path] = try V(config: json)
  } write: {
    $0[keyPath: path].configValue
  }
}

/// A required count of at least one.
func count<L>(_ key: String, _ path: RowPath<L, Int>, also aliases: [String] = [], optional: Bool = false) -> ConfigRow<L> {
  ConfigRow(key: key, aliases: aliases, isRequired: !optional) { layer, json in
    guard let value = json.intValue, (1...(1 << 31)).contains(value) else {
      throw ConfigMismatch(expected: "an integer from 1 to 2³¹")
    }
    layer[keyPath: path] = value
  } write: {
    .int($0[keyPath: path])
  }
}

/// One integer for each of `rank` axes, or one for all of them.
func perAxis<L>(
  _ key: String, _ path: RowPath<L, [Int]>, rank: Int, minimum: Int = 1, required: Bool = false, also aliases: [String] = []
) -> ConfigRow<L> {
  ConfigRow(key: key, aliases: aliases, isRequired: required) { layer, json in
    layer[keyPath: path] = try integers(json, count: rank, minimum: minimum)
  } write: {
    $0[keyPath: path].configValue
  }
}

/// As `perAxis`, where null is a value.
func perAxis<L>(
  _ key: String, _ path: RowPath<L, [Int]?>, rank: Int, minimum: Int = 1
) -> ConfigRow<L> {
  ConfigRow(key: key) { layer, json in
    layer[keyPath: path] = json.isNull ? nil : try integers(json, count: rank, minimum: minimum)
  } write: {
    $0[keyPath: path].configValue
  }
}

/// One axis or a list of axes.
func axes<L>(_ key: String, _ path: RowPath<L, [Int]>) -> ConfigRow<L> {
  ConfigRow(key: key) { layer, json in
    let list = try json.arrayValue.map { try $0.map { try Int(config: $0) } } ?? [try Int(config: json)]
    guard list.count <= 32, list.allSatisfy({ $0.magnitude <= 64 }) else { throw ConfigMismatch(expected: "axes") }
    layer[keyPath: path] = list
  } write: { layer in
    let list = layer[keyPath: path]
    return list.count == 1 ? .int(list[0]) : list.configValue
  }
}

/// Before and behind for each axis; one number, or one for each axis, stands for both sides.
func pairs<L>(_ key: String, _ path: RowPath<L, [[Int]]>, rank: Int) -> ConfigRow<L> {
  ConfigRow(key: key) { layer, json in
    let mismatch = ConfigMismatch(expected: "\(rank) pairs of integers")
    func side(_ json: JSONValue) throws -> Int {
      guard let value = json.intValue, (0...(1 << 24)).contains(value) else { throw mismatch }
      return value
    }
    func pair(_ json: JSONValue) throws -> [Int] {
      guard let list = json.arrayValue else { return [try side(json), try side(json)] }
      guard list.count == 2 else { throw mismatch }
      return try list.map(side)
    }
    if rank == 1 {
      let inner = json[0]?.arrayValue == nil ? json : json[0] ?? json
      layer[keyPath: path] = [try pair(inner)]
    } else if let list = json.arrayValue {
      guard list.count == rank else { throw mismatch }
      layer[keyPath: path] = try list.map(pair)
    } else {
      layer[keyPath: path] = Array(repeating: try pair(json), count: rank)
    }
  } write: { layer in
    let value = layer[keyPath: path]
    return rank == 1 ? (value.first ?? [0, 0]).configValue : value.configValue
  }
}

private func integers(_ json: JSONValue, count: Int, minimum: Int) throws -> [Int] {
  let list = json.arrayValue ?? Array(repeating: json, count: count)
  let values = list.compactMap(\.intValue)
  guard values.count == count, list.count == count, values.allSatisfy({ (minimum...(1 << 24)).contains($0) }) else {
    throw ConfigMismatch(expected: count == 1 ? "an integer of at least \(minimum)" : "\(count) integers of at least \(minimum)")
  }
  return values
}
