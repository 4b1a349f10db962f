import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor
import OrderedCollections

/// An operation's configuration and call as a rule reads it: options come from `config` (or, as some
/// versions of Keras have it, from the call), operands from the call.
struct OperationCall {
  typealias Value = RecordingContext.Value
  var className: String
  var config: JSONValue
  var arguments: OrderedDictionary<String, OperationArgument<Value>>

  // MARK: Options

  /// A plain option; null counts as absent.
  func option(_ name: String) -> JSONValue? {
    if let json = config[name], !json.isNull { return json }
    guard let json = arguments[name]?.plain, !json.isNull else { return nil }
    return json
  }
  func mismatch(_ name: String, _ expected: String) -> FormatError {
    let found = config[name] ?? arguments[name]?.plain
    return FormatError(
      .invalidValue, "'\(name)': expected \(expected)" + (found.map { ", found \($0.abridged)" } ?? " in the call"))
  }
  func unsupported(_ what: String) -> UnsupportedError {
    UnsupportedError("an operation is not supported", items: [.init("keras.ops \(className)", reason: what)])
  }
  private static let integerLimit = 1 << 40

  func int(_ name: String) throws -> Int? {
    guard let json = option(name) else { return nil }
    guard let value = json.intValue ?? (try? ArrayConfig.read(json))?.integers()?.first, value.magnitude < Self.integerLimit else {
      throw mismatch(name, "an integer")
    }
    return value
  }
  func int(_ name: String, default value: Int) throws -> Int { try int(name) ?? value }
  func double(_ name: String) throws -> Double? {
    guard let json = option(name) else { return nil }
    guard let value = json.doubleValue ?? (try? ArrayConfig.read(json))?.doubles().first else { throw mismatch(name, "a number") }
    return value
  }
  func double(_ name: String, default value: Double) throws -> Double { try double(name) ?? value }
  func bool(_ name: String, default value: Bool = false) throws -> Bool {
    guard let json = option(name) else { return value }
    guard let flag = json.boolValue ?? json.intValue.map({ $0 != 0 }) else { throw mismatch(name, "true or false") }
    return flag
  }
  func string(_ name: String) throws -> String? {
    guard let json = option(name) else { return nil }
    guard let text = json.stringValue else { throw mismatch(name, "a string") }
    return text
  }
  func dtype(_ name: String = "dtype") throws -> DType? {
    guard let json = option(name) else { return nil }
    if json == "int" { return .int32 }
    if json == "float" { return .float32 }
    guard let dtype = try? DType(config: json) else { throw mismatch(name, "a dtype") }
    return dtype
  }
  /// One integer or a list of them.
  func ints(_ name: String) throws -> [Int]? {
    guard let json = option(name) else { return nil }
    if let one = json.intValue { return [one] }
    let list = json.arrayValue?.compactMap(\.intValue) ?? (try? ArrayConfig.read(json))?.integers()
    guard let list, list.count == json.arrayValue?.count ?? list.count, list.count <= 1 << 16,
      list.allSatisfy({ $0.magnitude < Self.integerLimit })
    else { throw mismatch(name, "integers") }
    return list
  }
  /// One integer for each of `count` axes.
  func perAxis(_ name: String, count: Int, default value: Int? = 1) throws -> [Int]? {
    guard let list = try ints(name) else { return value.map { Array(repeating: $0, count: count) } }
    if list.count == 1 { return Array(repeating: list[0], count: count) }
    guard list.count == count else { throw mismatch(name, "\(count) integers") }
    return list
  }
  /// The axes of a reduction over a tensor of `rank`: all when absent.
  func axes(_ name: String = "axis", rank: Int) throws -> [Int] {
    try (try ints(name) ?? Array(0..<rank)).map { try normalizeAxis($0, rank: rank) }
  }
  func axis(_ name: String = "axis", rank: Int, default value: Int) throws -> Int {
    try normalizeAxis(try int(name, default: value), rank: rank)
  }
  func layout(_ name: String = "data_format") throws -> DataLayout {
    guard let json = option(name) else { return .channelsLast }
    guard let layout = try? DataLayout(config: json) else { throw mismatch(name, "channels_last or channels_first") }
    return layout
  }

  // MARK: Operands

  func argument(_ name: String) throws -> OperationArgument<Value> {
    guard let argument = arguments[name] else {
      throw FormatError(.missingReference, "the argument '\(name)' is missing")
    }
    return argument
  }
  /// Whether an argument is there and not null.
  func has(_ name: String) -> Bool {
    guard let argument = arguments[name] else { return false }
    if case .json(let json) = argument { return !json.isNull }
    return true
  }
  /// A tensor, or a constant in the place of one.
  func tensor(_ name: String, in context: inout RecordingContext) throws -> Value {
    try Self.value(try argument(name), in: &context)
  }
  func optionalTensor(_ name: String, in context: inout RecordingContext) throws -> Value? {
    has(name) ? try tensor(name, in: &context) : nil
  }
  /// A list of tensors, or one tensor.
  func tensors(_ name: String, in context: inout RecordingContext) throws -> [Value] {
    guard case .list(let elements) = try argument(name), elements.contains(where: { !$0.tensors.isEmpty }) else {
      return [try tensor(name, in: &context)]
    }
    return try elements.map { try Self.value($0, in: &context) }
  }
  static func value(_ argument: OperationArgument<Value>, in context: inout RecordingContext) throws -> Value {
    if case .tensor(let value) = argument { return value }
    guard let json = argument.plain else { throw FormatError(.invalidValue, "expected a tensor, found a list of tensors") }
    return try context.constant(try ArrayConfig.read(json))
  }

  /// Operands under Keras's type promotion, where Python's numbers are weak; at least `atLeast`.
  func promoted(_ names: [String], float: Bool = false, in context: inout RecordingContext) throws -> [Value] {
    var types: [PromotedType] = [], values: [Value] = []
    for name in names {
      let argument = try argument(name)
      values.append(try Self.value(argument, in: &context))
      types.append(Self.promotedType(argument, values[values.count - 1]))
    }
    if float { types.append(.weakFloat) }
    guard let dtype = PromotedType.result(types) else {
      throw FormatError(.invalidValue, "the dtypes \(values.map(\.fact.type.dtype)) have no common one")
    }
    return try values.map { try context.cast($0, to: dtype) }
  }
  private static func promotedType(_ argument: OperationArgument<Value>, _ value: Value) -> PromotedType {
    if case .json(let json) = argument {
      switch json {
      case .int: return .weakInt
      case .double: return .weakFloat
      default: break
      }
    }
    return .dtype(value.fact.type.dtype)
  }

  /// A tensor as a float: itself, or float32.
  func floating(_ name: String, in context: inout RecordingContext) throws -> Value {
    let x = try tensor(name, in: &context)
    return try context.cast(x, to: x.fact.type.dtype.kerasFloat)
  }
}
