import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor
import OrderedCollections

/// One argument of an operation's call as `inbound_nodes` holds it, with its tensors resolved to `V`.
public indirect enum OperationArgument<V> {
  case tensor(V)
  /// Null, a number, a boolean, a string, or an object of Keras's (`__slice__`, `__numpy__`, …).
  case json(JSONValue)
  case list([OperationArgument])

  /// An argument read from JSON. `tensor` tells which value a `__keras_tensor__` is.
  public init(_ json: JSONValue, tensor: (_ layer: String, _ node: Int, _ index: Int) throws -> V) throws {
    if json["class_name"] == "__keras_tensor__" {
      guard let history = json["config"]?["keras_history"]?.arrayValue, history.count == 3,
        let layer = history[0].stringValue, let node = history[1].intValue, let index = history[2].intValue
      else { throw FormatError(.invalidStructure, "expected a keras_history, found \(json.abridged)") }
      self = .tensor(try tensor(layer, node, index))
    } else if let elements = json.arrayValue {
      self = .list(try elements.map { try OperationArgument($0, tensor: tensor) })
    } else {
      self = .json(json)
    }
  }

  public func map<W>(_ transform: (V) throws -> W) rethrows -> OperationArgument<W> {
    switch self {
    case .tensor(let value): .tensor(try transform(value))
    case .json(let json): .json(json)
    case .list(let elements): .list(try elements.map { try $0.map(transform) })
    }
  }

  /// The tensors in it, in order.
  public var tensors: [V] {
    switch self {
    case .tensor(let value): [value]
    case .json: []
    case .list(let elements): elements.flatMap(\.tensors)
    }
  }

  /// The argument as JSON, if no tensor is in it.
  public var plain: JSONValue? {
    switch self {
    case .tensor: return nil
    case .json(let json): return json
    case .list(let elements):
      var result: [JSONValue] = []
      for element in elements {
        guard let json = element.plain else { return nil }
        result.append(json)
      }
      return .array(result)
    }
  }

  /// The argument as JSON; `tensor` spells the tensors.
  public func json(_ tensor: (V) throws -> JSONValue) rethrows -> JSONValue {
    switch self {
    case .tensor(let value): try tensor(value)
    case .json(let json): json
    case .list(let elements): .array(try elements.map { try $0.json(tensor) })
    }
  }
}

extension OperationArgument: Sendable where V: Sendable {}

/// Arrays inside a configuration: Keras's `__numpy__` and `__tensor__` objects.
enum ArrayConfig {
  /// The most elements that are worth spelling as JSON.
  static let elementLimit = 1 << 20

  static func isArray(_ json: JSONValue) -> Bool {
    json["class_name"] == "__numpy__" || json["class_name"] == "__tensor__"
  }

  /// The array that an object, or nested lists of numbers, spell. Plain numbers take Keras's dtypes:
  /// int32, float32, bool.
  static func read(_ json: JSONValue) throws -> NDArray {
    guard isArray(json) else { return try array(json, dtype: nil) }
    guard let value = json["config"]?["value"], let name = json["config"]?["dtype"]?.stringValue,
      let dtype = DType(rawValue: name)
    else { throw FormatError(.invalidStructure, "expected an array's value and dtype, found \(json.abridged)") }
    return try array(value, dtype: dtype)
  }

  private static func array(_ json: JSONValue, dtype: DType?) throws -> NDArray {
    var shape: [Int] = [], level = json
    while let elements = level.arrayValue {
      guard shape.count < 32 else { throw FormatError(.limitExceeded, "an array of more than 32 axes") }
      shape.append(elements.count)
      guard let first = elements.first else { break }
      level = first
    }
    var values: [Double] = [], integers: [Int] = [], isWhole = true, isBool = true
    func collect(_ json: JSONValue, _ depth: Int) throws {
      if depth < shape.count {
        guard let elements = json.arrayValue, elements.count == shape[depth] else {
          throw FormatError(.invalidStructure, "the lists of an array differ in length")
        }
        for element in elements { try collect(element, depth + 1) }
        return
      }
      if let flag = json.boolValue {
        values.append(flag ? 1 : 0)
        integers.append(flag ? 1 : 0)
        return
      }
      isBool = false
      guard let number = json.doubleValue else {
        throw FormatError(.invalidValue, "expected a number in an array, found \(json.abridged)")
      }
      values.append(number)
      if case .int(let whole) = json { integers.append(whole) } else { isWhole = false }
    }
    try collect(json, 0)
    let target = dtype ?? (values.isEmpty ? .float32 : isBool ? .bool : isWhole ? .int32 : .float32)
    guard target.arrayStride != nil, target != .complex64, target != .complex128 else {
      throw FormatError(.invalidValue, "an array of dtype \(target)")
    }
    let context = ExecutionContext(primitives: ReferencePrimitives())
    if isWhole, target.isInteger { return try NDArray(integers.map(Int64.init), shape).cast(to: target, in: context) }
    return try NDArray(values, shape).cast(to: target, in: context)
  }

  /// The object Keras 3 takes for an array. NumPy has no bfloat16, so that one is a tensor.
  static func write(_ array: NDArray) throws -> JSONValue {
    guard array.count <= elementLimit else {
      throw UnsupportedError("a constant is too large for a configuration", items: [.init("constant \(array.type)")])
    }
    guard array.dtype.arrayStride != nil, array.dtype != .string else {
      throw UnsupportedError("a constant can't be written", items: [.init("constant of dtype \(array.dtype)")])
    }
    return [
      "class_name": array.dtype == .bfloat16 ? "__tensor__" : "__numpy__",
      "config": ["value": nested(array), "dtype": .string(array.dtype.rawValue)],
    ]
  }

  /// The elements as nested lists; the element itself of a scalar.
  static func nested(_ array: NDArray) -> JSONValue {
    let flat = scalars(array)
    func level(_ axis: Int, _ start: Int, _ count: Int) -> JSONValue {
      guard axis < array.rank else { return flat[start] }
      let step = array.shape[axis] == 0 ? 0 : count / array.shape[axis]
      return .array((0..<array.shape[axis]).map { level(axis + 1, start + $0 * step, step) })
    }
    return level(0, 0, array.count)
  }

  private static func scalars(_ array: NDArray) -> [JSONValue] {
    if array.dtype == .bool { return array.doubles().map { .bool($0 != 0) } }
    if let integers = array.integers() { return integers.map { .int($0) } }
    return array.doubles().map { .double($0) }
  }
}
