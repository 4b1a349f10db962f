import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor
import OrderedCollections

/// The operands of a TensorFlow function's call as values of a graph.
extension TensorFlowFunctions.Call {
  /// A tensor; numbers and lists become constants (of `dtype` where it is given), lists with tensors in them are stacked.
  func value(
    _ argument: OperationArgument<ValueID>, dtype: DType? = nil, in graph: inout GraphContext
  ) throws -> ValueID {
    if case .tensor(let value) = argument { return value }
    if let json = argument.plain {
      let array = try ArrayConfig.read(json)
      guard let dtype, dtype != array.dtype else { return try graph.constant(array) }
      return try graph.constant(try array.cast(to: dtype, in: ExecutionContext(primitives: ReferencePrimitives())))
    }
    guard case .list(let parts) = argument else { throw unsupported("with an operand that is no tensor") }
    let dtype = dtype ?? argument.tensors.first.map { graph.type(of: $0).dtype }
    let values = try NestingLimit.descend {
      try parts.map { try graph.unsqueeze(try graph.cast(try value($0, dtype: dtype, in: &graph), to: dtype ?? .float32), [0]) }
    }
    return try graph.concat(values, axis: 0)
  }
  func x(in graph: inout GraphContext) throws -> ValueID { try value(first, in: &graph) }
  func tensor(_ name: String, dtype: DType? = nil, in graph: inout GraphContext) throws -> ValueID {
    try value(try argument(name), dtype: dtype, in: &graph)
  }
  /// The tensors of a first argument that is a list.
  func list(in graph: inout GraphContext) throws -> [ValueID] {
    guard case .list(let parts) = first else { return [try x(in: &graph)] }
    let dtype = first.tensors.first.map { graph.type(of: $0).dtype }
    return try parts.map { try value($0, dtype: dtype, in: &graph) }
  }
  /// Extents, some of which may be computed, as a vector of int64.
  func extents(_ argument: OperationArgument<ValueID>, in graph: inout GraphContext) throws -> ValueID {
    let vector = try graph.cast(try value(argument, dtype: argument.tensors.isEmpty ? .int64 : nil, in: &graph), to: .int64)
    return try graph.rank(of: vector) == 0 ? try graph.unsqueeze(vector, [0]) : vector
  }
  /// An operation of `keras.ops`.
  func operation(
    _ className: String, _ arguments: [OperationArgument<ValueID>], _ config: OrderedDictionary<String, JSONValue> = [:],
    in graph: inout GraphContext
  ) throws -> ValueID {
    try OperationRules.read(
      className: className, module: "keras.ops", config: .object(config), args: arguments, in: &graph
    ).at(0)
  }

  func flag(_ name: String) -> Bool { json(name)?.boolValue == true }
  func dtype(_ name: String, default value: DType) throws -> DType {
    guard let json = json(name) else { return value }
    guard let dtype = try? DType(config: json) else { throw unsupported("of the dtype \(json.abridged)") }
    return dtype
  }
  func int(_ name: String, default value: Int? = nil) throws -> Int {
    guard let number = json(name)?.intValue ?? value, number.magnitude < 1 << 40 else { throw unsupported("with a computed '\(name)'") }
    return number
  }
  func double(_ name: String, default value: Double? = nil) throws -> Double {
    guard let number = json(name)?.doubleValue ?? value else { throw unsupported("with a computed '\(name)'") }
    return number
  }
  /// Plain integers; one stands for a list of it alone.
  func ints(_ name: String) throws -> [Int]? {
    guard named[name].map({ $0.tensors.isEmpty }) ?? true else { throw unsupported("with a computed '\(name)'") }
    guard let json = json(name) else { return nil }
    if let one = json.intValue { return [one] }
    guard let list = json.arrayValue, list.count <= 64 else { throw unsupported("with '\(name)' \(json.abridged)") }
    return try list.map { entry in
      guard let number = entry.intValue, number.magnitude < 1 << 40 else { throw unsupported("with '\(name)' \(json.abridged)") }
      return number
    }
  }
  /// The axes named by `name`, from 0 on; all when there are none.
  func axes(_ name: String = "axis", rank: Int) throws -> [Int] {
    try (try ints(name) ?? Array(0..<rank)).map { try normalizeAxis($0, rank: rank) }
  }
  func axis(_ name: String = "axis", rank: Int, default value: Int) throws -> Int {
    try normalizeAxis(try int(name, default: value), rank: rank)
  }
}
