import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor
import OrderedCollections

/// A tensor in what is written: a value of the graph, a result of an operation of the same list, or a
/// constant, which is spelt inside the call.
public struct WrittenTensor: Sendable {
  public enum Source: Sendable {
    case value(ValueID)
    case operation(Int, result: Int)
    case constant(Tensor)
  }
  public var source: Source
  /// What is known of it.
  public var fact: Fact
  init(_ source: Source, _ fact: Fact) {
    self.source = source
    self.fact = fact
  }
  var dtype: DType { fact.type.dtype }
  func rank() throws -> Int {
    guard let rank = fact.type.shape.rank else { throw GraphError(.missingType, "the rank of a tensor is unknown") }
    return rank
  }
  func dims() throws -> [Dim] {
    guard let dims = fact.type.shape.dims else { throw GraphError(.missingType, "the rank of a tensor is unknown") }
    return dims
  }
  var isConstant: Bool { if case .constant = source { true } else { false } }
}

/// One operation with its call, ready to become an entry of `layers`; its `config` lacks the name only.
public struct WrittenOperation: Sendable {
  public var module: String
  public var className: String
  public var config: OrderedDictionary<String, JSONValue>
  public var args: [OperationArgument<WrittenTensor>]
  public var kwargs: OrderedDictionary<String, OperationArgument<WrittenTensor>> = [:]
}

/// Collects the operations that say one canonical op.
///
/// It is an `OpContext`, so that a composite op without a row of its own is said by what it is made of.
struct OperationWriter: OpContext {
  private(set) var operations: [WrittenOperation] = []
  private var depth = 0
  /// Tensors that have an extent which is not known beforehand, and on which axis.
  var sources: [Dim: (tensor: WrittenTensor, axis: Int)] = [:]
  /// Whose extents the elements of the shape are that the op takes, where they are any's.
  var traced: [(tensor: WrittenTensor, axis: Int)?] = []

  mutating func apply(_ op: any Op, to inputs: [WrittenTensor?]) throws -> [WrittenTensor] {
    if inputs.allSatisfy({ $0?.isConstant ?? true }), inputs.contains(where: { $0 != nil }) {
      var context = EagerContext(ExecutionContext(primitives: ReferencePrimitives()))
      return try context.apply(op, to: try inputs.map { try $0?.fact.constant?.array() }).map(constant)
    }
    guard depth < 16 else { throw Self.unsupported(op, "it is made of ops without end") }
    var results: [WrittenTensor]
    if let rule = OperationRules.writeRule(for: op) {
      results = try rule.write(op, inputs, &self)
    } else if let composite = op as? any CompositeOp {
      depth += 1
      defer { depth -= 1 }
      results = try composite.decompose(inputs, in: &self)
    } else if let spelt = op as? any SpelledOp, let simpler = try spelt.spelled(inputs, in: &self) {
      results = simpler
    } else {
      throw Self.unsupported(op, "keras.ops has nothing like it")
    }
    // What the operations' readers can't tell, the op may.
    for (index, elements) in op.inferElements(inputs.map { $0?.fact }).enumerated() where index < results.count {
      if results[index].fact.elements == nil { results[index].fact.elements = elements }
    }
    return results
  }
  func fact(of value: WrittenTensor) -> Fact { value.fact }

  /// Appends an operation of one result.
  mutating func call(
    _ module: OperationModule, _ className: String, _ args: [OperationArgument<WrittenTensor>],
    _ config: OrderedDictionary<String, JSONValue> = [:],
    kwargs: OrderedDictionary<String, OperationArgument<WrittenTensor>> = [:]
  ) throws -> WrittenTensor {
    try calls(module, className, args, config, kwargs: kwargs).at(0)
  }

  /// Appends an operation. What it gives is inferred by reading it back, so nothing is written that
  /// could not be read.
  mutating func calls(
    _ module: OperationModule, _ className: String, _ args: [OperationArgument<WrittenTensor>],
    _ config: OrderedDictionary<String, JSONValue> = [:],
    kwargs: OrderedDictionary<String, OperationArgument<WrittenTensor>> = [:]
  ) throws -> [WrittenTensor] {
    var context = FactContext()
    let given = args.flatMap(\.tensors) + kwargs.values.flatMap(\.tensors)
    guard given.contains(where: { !$0.isConstant }) else {
      throw UnsupportedError(
        "an operation on constants only can't be written", items: [.init("keras.ops \(className)")])
    }
    func spelt(_ tensor: WrittenTensor) throws -> OperationArgument<WrittenTensor> {
      guard case .constant(let constant) = tensor.source else { return .tensor(tensor) }
      return .json(try ArrayConfig.write(try constant.array()))
    }
    func spell(_ argument: OperationArgument<WrittenTensor>) throws -> OperationArgument<WrittenTensor> {
      switch argument {
      case .tensor(let tensor): try spelt(tensor)
      case .json: argument
      case .list(let elements): .list(try elements.map(spell))
      }
    }
    let args = try args.map(spell)
    var named: OrderedDictionary<String, OperationArgument<WrittenTensor>> = [:]
    for (key, value) in kwargs { named[key] = try spell(value) }
    let facts = try OperationRules.read(
      className: className, module: module.name, config: .object(config), args: args.map { $0.map(\.fact) },
      kwargs: named.mapValues { $0.map(\.fact) }, in: &context)
    operations.append(WrittenOperation(module: module.name, className: className, config: config, args: args, kwargs: named))
    let index = operations.count - 1
    return facts.enumerated().map { WrittenTensor(.operation(index, result: $0), $1) }
  }

  /// An operation of two tensors. A constant that is one number becomes a plain number where that means
  /// the same.
  mutating func binary(
    _ className: String, _ a: WrittenTensor, _ b: WrittenTensor, module: OperationModule = .numpy
  ) throws -> WrittenTensor {
    className == "Add" && module.name == OperationModule.numpy.name ? try sum(a, b) : try plainBinary(className, a, b, module: module)
  }

  mutating func plainBinary(
    _ className: String, _ a: WrittenTensor, _ b: WrittenTensor, module: OperationModule = .numpy
  ) throws -> WrittenTensor {
    // Those on bits ask both for their dtype.
    if className.hasPrefix("Bitwise") { return try call(module, className, [.tensor(a), .tensor(b)]) }
    return try call(module, className, [number(a, beside: b) ?? .tensor(a), number(b, beside: a) ?? .tensor(b)])
  }

  private func number(_ tensor: WrittenTensor, beside other: WrittenTensor) -> OperationArgument<WrittenTensor>? {
    guard case .constant(let constant) = tensor.source, constant.elementCount == 1, constant.dtype == other.dtype,
      constant.extents.count <= other.fact.type.shape.rank ?? 0, !other.isConstant, let array = try? constant.array()
    else { return nil }
    if constant.dtype.isFloatingPoint, let value = array.doubles().first, value.isFinite { return .json(.double(value)) }
    if constant.dtype.isInteger, let value = array.integers()?.first { return .json(.int(value)) }
    return nil
  }

  // MARK: What rules need often

  func constant(_ array: NDArray) -> WrittenTensor {
    WrittenTensor(.constant(Tensor(array)), Fact(array.type, constant: Tensor(array)))
  }
  /// A scalar of the dtype of `other`.
  func scalar(_ value: Double, like other: WrittenTensor) throws -> WrittenTensor {
    let context = ExecutionContext(primitives: ReferencePrimitives())
    return constant(try NDArray(scalar: value).cast(to: other.dtype, in: context))
  }
  mutating func cast(_ x: WrittenTensor, to dtype: DType) throws -> WrittenTensor {
    if x.isConstant, x.dtype != dtype, let array = try x.fact.constant?.array() {
      return constant(try array.cast(to: dtype, in: ExecutionContext(primitives: ReferencePrimitives())))
    }
    return x.dtype == dtype ? x : try call(.core, "Cast", [.tensor(x)], ["dtype": .string(dtype.rawValue)])
  }
  mutating func unary(_ className: String, _ x: WrittenTensor, module: OperationModule = .numpy) throws -> WrittenTensor {
    try call(module, className, [.tensor(x)])
  }
  mutating func reshape(_ x: WrittenTensor, _ shape: [Int]) throws -> WrittenTensor {
    if x.fact.type.shape.extents == shape { return x }
    return try call(.numpy, "Reshape", [.tensor(x)], ["newshape": shape.configValue])
  }
  mutating func transpose(_ x: WrittenTensor, _ axes: [Int]) throws -> WrittenTensor {
    if axes == Array(axes.indices) { return x }
    return try call(.numpy, "Transpose", [.tensor(x)], ["axes": axes.configValue])
  }
  /// Axes of extent 1 at `axes` of the result.
  mutating func expandDims(_ x: WrittenTensor, _ axes: [Int]) throws -> WrittenTensor {
    axes.isEmpty ? x : try call(.numpy, "ExpandDims", [.tensor(x)], ["axis": axes.count == 1 ? .int(axes[0]) : axes.configValue])
  }
  mutating func squeeze(_ x: WrittenTensor, _ axes: [Int]) throws -> WrittenTensor {
    axes.isEmpty ? x : try call(.numpy, "Squeeze", [.tensor(x)], ["axis": axes.count == 1 ? .int(axes[0]) : axes.configValue])
  }
  mutating func reduce(_ className: String, _ x: WrittenTensor, _ axes: [Int], keepDims: Bool, module: OperationModule = .numpy) throws
    -> WrittenTensor
  {
    try call(module, className, [.tensor(x)], ["axis": axes.configValue, "keepdims": .bool(keepDims)])
  }
  mutating func getItem(_ x: WrittenTensor, _ key: [JSONValue]) throws -> WrittenTensor {
    try call(.numpy, "GetItem", [.tensor(x), .json(.array(key))])
  }
  mutating func concatenate(_ parts: [WrittenTensor], axis: Int) throws -> WrittenTensor {
    if parts.count == 1 { return parts[0] }
    return try call(.numpy, "Concatenate", [.list(parts.map { .tensor($0) })], ["axis": .int(axis)])
  }
  /// `start:stop:step` as Keras spells it.
  static func slice(_ start: Int?, _ stop: Int?, _ step: Int? = nil) -> JSONValue {
    [
      "class_name": "__slice__",
      "config": ["start": start.configValue, "stop": stop.configValue, "step": step.configValue],
    ]
  }

  /// The elements of a constant integer operand.
  static func integers(_ tensor: WrittenTensor?, _ what: String, of op: any Op) throws -> [Int] {
    guard let values = tensor?.fact.integers else {
      throw UnsupportedError(
        "an op has no counterpart in Keras", items: [.init(op.displayName, reason: "its \(what) are computed at run time")])
    }
    return values
  }
  static func unsupported(_ op: any Op, _ reason: String) -> UnsupportedError {
    UnsupportedError("an op has no counterpart in Keras", items: [.init(op.displayName, reason: reason)])
  }
}
