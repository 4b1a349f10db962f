import ModelTensor
import ProtobufWire

/// What an op takes and gives, as TensorFlow registers it: arguments by name, attributes with their defaults.
public struct OpSignature: Sendable {
  /// Where an argument's type comes from.
  public enum ArgumentType: Sendable, Hashable {
    case fixed(DataType)
    /// The type that an attribute names.
    case attribute(String)
    /// As many of a type as an attribute counts.
    indirect case repeated(count: String, ArgumentType)
    /// One for each type in an attribute's list.
    case list(String)
  }
  public struct Argument: Sendable {
    public var name: String
    public var type: ArgumentType
    public var isReference: Bool
  }
  public struct Attribute: Sendable {
    public var name: String
    /// `int`, `float`, `bool`, `string`, `type`, `shape`, `tensor`, `func`, and `list(…)` of them.
    public var type: String
    public var defaultValue: AttrValue?
  }
  public var name: String
  public var inputs: [Argument]
  public var outputs: [Argument]
  public var attributes: [Attribute]
  public var isStateful: Bool

  /// The signature of a registered op; `nil` for an unknown one.
  public static func named(_ name: String) -> OpSignature? { lines[name].flatMap { OpSignature(name: name, line: $0) } }

  /// The lines by op; each is taken apart when it is asked for.
  private static let lines: [String: Substring] = {
    var result: [String: Substring] = [:]
    for line in table.split(separator: "\n") {
      if let open = line.firstIndex(of: "(") { result[String(line[..<open])] = line[open...] }
    }
    return result
  }()

  private static let dtypes: [Substring: DataType] = {
    var result: [Substring: DataType] = [:]
    for (number, name) in DataType.names where number < 100 {
      result[Substring(name.dropFirst(3).lowercased())] = DataType(rawValue: number)
    }
    return result
  }()

  private init?(name: String, line: Substring) {
    self.name = name
    isStateful = line.hasSuffix("!")
    guard let arrow = line.firstRange(of: ")->("), let end = line.firstRange(of: ")["), let close = line.lastIndex(of: "]")
    else { return nil }
    inputs = line[line.index(after: line.startIndex)..<arrow.lowerBound].split(separator: ",").compactMap(Self.argument)
    outputs = line[arrow.upperBound..<end.lowerBound].split(separator: ",").compactMap(Self.argument)
    attributes = line[end.upperBound..<close].split(separator: ",").compactMap(Self.attribute)
  }

  private static func argument(_ text: Substring) -> Argument? {
    guard let colon = text.firstIndex(of: ":") else { return nil }
    var type = text[text.index(after: colon)...]
    let isReference = type.hasSuffix("&")
    if isReference { type = type.dropLast() }
    func single(_ text: Substring) -> ArgumentType? {
      text.hasPrefix("%") ? .attribute(String(text.dropFirst())) : dtypes[text].map(ArgumentType.fixed)
    }
    let kind: ArgumentType?
    if type.hasPrefix("@") {
      kind = .list(String(type.dropFirst()))
    } else if let star = type.firstIndex(of: "*") {
      kind = single(type[type.index(after: star)...]).map { .repeated(count: String(type[..<star]), $0) }
    } else {
      kind = single(type)
    }
    return kind.map { Argument(name: String(text[..<colon]), type: $0, isReference: isReference) }
  }

  private static func attribute(_ text: Substring) -> Attribute? {
    guard let colon = text.firstIndex(of: ":") else { return nil }
    let rest = text[text.index(after: colon)...]
    let equals = rest.firstIndex(of: "=")
    let type = String(rest[..<(equals ?? rest.endIndex)])
    return Attribute(
      name: String(text[..<colon]), type: type, defaultValue: equals.flatMap { value(rest[rest.index(after: $0)...], type) })
  }

  private static func value(_ text: Substring, _ type: String) -> AttrValue? {
    var value = AttrValue()
    switch type {
    case "int": value.i = Int64(text)
    case "float": value.f = Float(text)
    case "bool": value.b = text == "true"
    case "string": value.s = WireBytes(String(text.dropFirst()))
    case "type": value.type = dtypes[text]
    case "shape":
      var shape = TensorShapeProto()
      shape.unknownRank = true
      value.shape = shape
    default:
      guard type.hasPrefix("list"), text.hasPrefix("(") else { return nil }
      var list = ListValue()
      list.i = text.dropFirst().dropLast().split(separator: " ").compactMap { Int64($0) }
      value.list = list
    }
    return value
  }
}
