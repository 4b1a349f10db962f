import OrderedCollections

/// A JSON value that keeps the order of keys and every digit of a number.
///
/// Python's `NaN`, `Infinity` and `-Infinity` are read and written, because Keras writes them.
public enum JSONValue: Sendable, Hashable {
  case null
  case bool(Bool)
  case int(Int)
  case double(Double)
  /// An integer too large for `Int`, as it was spelt.
  case literal(String)
  case string(String)
  case array([JSONValue])
  case object(OrderedDictionary<String, JSONValue>)
}

extension JSONValue {
  public var stringValue: String? { if case .string(let v) = self { v } else { nil } }
  public var boolValue: Bool? { if case .bool(let v) = self { v } else { nil } }
  /// The value as an integer; a double counts when it is whole.
  public var intValue: Int? {
    switch self {
    case .int(let v): v
    case .double(let v): Int(exactly: v)
    default: nil
    }
  }
  public var doubleValue: Double? {
    switch self {
    case .int(let v): Double(v)
    case .double(let v): v
    case .literal(let v): Double(v)
    default: nil
    }
  }
  public var arrayValue: [JSONValue]? { if case .array(let v) = self { v } else { nil } }
  public var objectValue: OrderedDictionary<String, JSONValue>? {
    if case .object(let v) = self { v } else { nil }
  }
  public var isNull: Bool { self == .null }

  /// The member `key` of an object, or `nil`. Setting on something else does nothing.
  public subscript(key: String) -> JSONValue? {
    get { objectValue?[key] }
    set {
      guard case .object(var members) = self else { return }
      self = .null  // So that the dictionary is unique while it changes.
      members[key] = newValue
      self = .object(members)
    }
  }
  /// The element `index` of an array, or `nil`.
  public subscript(index: Int) -> JSONValue? {
    guard case .array(let v) = self, v.indices.contains(index) else { return nil }
    return v[index]
  }
}

extension JSONValue: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByFloatLiteral, ExpressibleByStringLiteral, ExpressibleByArrayLiteral,
  ExpressibleByDictionaryLiteral
{
  public init(nilLiteral: ()) { self = .null }
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  public init(integerLiteral value: Int) { self = .int(value) }
  public init(floatLiteral value: Double) { self = .double(value) }
  public init(stringLiteral value: String) { self = .string(value) }
  public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    self = .object(OrderedDictionary(elements, uniquingKeysWith: { $1 }))
  }
}
