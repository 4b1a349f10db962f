import ModelSupport
import OrderedCollections

/// The members of a configuration that Keras wrote, read with their defaults.
struct ConfigValues {
  let members: OrderedDictionary<String, JSONValue>
  /// Whose configuration it is, for messages.
  let owner: String

  func has(_ key: String) -> Bool { members[key].map { !$0.isNull } ?? false }
  private func value<T>(_ key: String, _ what: String, _ read: (JSONValue) -> T?) throws -> T? {
    guard let json = members[key], !json.isNull else { return nil }
    guard let value = read(json) else {
      throw TensorError(.invalidArgument, "\(owner): expected \(what) for '\(key)', found \(json)")
    }
    return value
  }
  func double(_ key: String) throws -> Double? { try value(key, "a number") { $0.doubleValue } }
  func double(_ key: String, _ fallback: Double) throws -> Double { try double(key) ?? fallback }
  func int(_ key: String) throws -> Int? { try value(key, "an integer") { $0.intValue } }
  func int(_ key: String, _ fallback: Int) throws -> Int { try int(key) ?? fallback }
  func bool(_ key: String, _ fallback: Bool) throws -> Bool { try value(key, "true or false") { $0.boolValue } ?? fallback }
  func string(_ key: String) throws -> String? { try value(key, "a string") { $0.stringValue } }
  func doubles(_ key: String) throws -> [Double]? {
    try value(key, "numbers") { json in
      if let one = json.doubleValue { return [one] }
      // A tensor, or an array of NumPy's.
      let json = json["class_name"]?.stringValue?.hasPrefix("__") == true ? json["config"]?["value"] ?? json : json
      guard let list = json.arrayValue else { return nil }
      let numbers = list.compactMap(\.doubleValue)
      return numbers.count == list.count ? numbers : nil
    }
  }
  func ints(_ key: String) throws -> [Int]? {
    try value(key, "integers") { json in
      guard let list = json.arrayValue else { return nil }
      let numbers = list.compactMap(\.intValue)
      return numbers.count == list.count ? numbers : nil
    }
  }
  func strings(_ key: String) throws -> [String]? {
    try value(key, "strings") { json in
      guard let list = json.arrayValue else { return nil }
      let strings = list.compactMap(\.stringValue)
      return strings.count == list.count ? strings : nil
    }
  }
  /// A serialised object inside.
  func object(_ key: String) throws -> SerializedObject? { try value(key, "an object") { SerializedObject($0) } }
}

/// An object as Keras serialises it: a class and its configuration.
struct SerializedObject {
  let className: String
  let config: ConfigValues
  init?(_ json: JSONValue) {
    guard let name = json["class_name"]?.stringValue else { return nil }
    className = name
    config = ConfigValues(members: json["config"]?.objectValue ?? [:], owner: name)
  }
  static func json(module: String, _ className: String, _ config: OrderedDictionary<String, JSONValue>) -> JSONValue {
    ["module": .string(module), "class_name": .string(className), "config": .object(config), "registered_name": nil]
  }
}

extension Optional where Wrapped == Double {
  var json: JSONValue { map { .double($0) } ?? .null }
}
extension Optional where Wrapped == Int {
  var json: JSONValue { map { .int($0) } ?? .null }
}
