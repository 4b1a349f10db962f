import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor
import OrderedCollections

/// `keras.ops` operations ⇄ canonical ops. A functional model of Keras 3 holds operations as nodes beside
/// its layers.
public enum OperationRules {
  static let family: OperationFamily = [
    arithmetic, comparison, activation, reduction, shaping, indexing, linear, convolution, image, further, spectral, matrices, rarer,
    recurrent, quantization, norms, numbers, windows, transforms, places,
    diagonals,
  ].reduce(OperationFamily(), +)

  private static let byName: [String: OperationRule] = {
    var result: [String: OperationRule] = [:]
    for rule in family.rules where result[rule.className] == nil { result[rule.className] = rule }
    return result
  }()
  private static let byType: [ObjectIdentifier: OperationWriteRule] = {
    var result: [ObjectIdentifier: OperationWriteRule] = [:]
    for rule in family.writers where result[ObjectIdentifier(rule.type)] == nil { result[ObjectIdentifier(rule.type)] = rule }
    return result
  }()

  /// Whether an entry of a model's `layers` is an operation, known or not: by its module.
  public static func isOperation(module: String?) -> Bool {
    guard let module else { return false }
    return module.hasPrefix("keras.src.ops.") || module == "keras.ops" || module.hasPrefix("keras.ops.")
  }
  /// Whether an operation of this class is read.
  public static func reads(className: String) -> Bool { byName[className] != nil }
  /// Whether some operations say this op; its attributes and operands may still be out of their reach.
  public static func writes(_ op: any Op) -> Bool { writeRule(for: op) != nil || op is any CompositeOp || op is any SpelledOp }
  static func writeRule(for op: any Op) -> OperationWriteRule? { byType[ObjectIdentifier(type(of: op))] }
  /// All operations that are read, for lists of what is supported.
  public static var classNames: [String] { family.rules.map(\.className) }

  /// The canonical ops of one call, applied in `context`; the results in the operation's order.
  /// - Parameters:
  ///   - config: the entry's `config`; - args, kwargs: an entry of its `inbound_nodes`.
  /// - Throws: `UnsupportedError` for an operation or option without counterpart, `FormatError` for a
  ///   value of a wrong type, `GraphError` for tensors that do not fit.
  public static func read<C: OpContext>(
    className: String, module: String?, config: JSONValue, args: [OperationArgument<C.Value>],
    kwargs: OrderedDictionary<String, OperationArgument<C.Value>> = [:], in context: inout C
  ) throws -> [C.Value] {
    guard let rule = byName[className] else {
      throw UnsupportedError("an operation is not supported", items: [.init("keras.ops \(className)")])
    }
    var recording = RecordingContext(), inputs: [C.Value] = []
    func note(_ argument: OperationArgument<C.Value>) -> OperationArgument<RecordingContext.Value> {
      argument.map { value in
        inputs.append(value)
        return recording.input(context.fact(of: value))
      }
    }
    var bound: OrderedDictionary<String, OperationArgument<RecordingContext.Value>> = [:]
    for (index, argument) in args.enumerated() {
      guard index < rule.arguments.count || rule.arguments.last?.hasPrefix("*") == true else {
        throw FormatError(.invalidStructure, "\(className) takes \(rule.arguments.count) arguments, found \(args.count)")
      }
      let name = rule.arguments[min(index, rule.arguments.count - 1)]
      if name.hasPrefix("*") {
        bound[String(name.dropFirst())] = .list(args[index...].map(note))
        break
      }
      bound[name] = note(argument)
    }
    for (name, argument) in kwargs { bound[name] = note(argument) }
    return try within("operation \(config["name"]?.stringValue ?? className)") {
      let call = OperationCall(className: className, config: config, arguments: bound)
      let results = try rule.read(call, &recording)
      return try recording.replay(inputs, results: results, in: &context)
    }
  }

  /// The operations that say a node, in order, and what each of the node's results is among them.
  /// - Throws: `UnsupportedError` when no operations say it.
  public static func write(
    _ node: Node, in graph: Graph, of model: Model
  ) throws -> (operations: [WrittenOperation], results: [WrittenTensor]) {
    let inputs = node.inputs.map { id -> WrittenTensor? in
      guard let id else { return nil }
      let fact = model.fact(id, in: graph)
      if let constant = model.tensor(id, in: graph) { return WrittenTensor(.constant(constant), fact) }
      return WrittenTensor(.value(id), fact)
    }
    var writer = OperationWriter()
    for port in graph.inputs {
      guard let dims = graph[port.value].type.shape.dims, dims.contains(where: \.isNamed) else { continue }
      let fact = model.fact(port.value, in: graph)
      for (axis, dim) in dims.enumerated() {
        if case .named = dim, writer.sources[dim] == nil { writer.sources[dim] = (WrittenTensor(.value(port.value), fact), axis) }
      }
    }
    let takesShape = node.op is ExpandOp || node.op is TileOp || node.op is ConstantOfShapeOp || node.op is ReshapeOp
    if takesShape, let last = node.inputs.last, let shape = last {
      let tracer = ExtentTracer(graph: graph, model: model)
      writer.traced = (tracer.trace(shape) ?? []).map { place in
        place.map { (WrittenTensor(.value($0.value), model.fact($0.value, in: graph)), $0.axis) }
      }
    }
    let results: [WrittenTensor]
    do { results = try writer.apply(node.op, to: inputs) } catch let error as GraphError {
      throw OperationWriter.unsupported(node.op, error.description)
    }
    // Whoever reads it must find the same types.
    for (result, id) in zip(results, node.outputs) {
      let expected = graph[id].type
      guard result.fact.type.dtype == expected.dtype, result.fact.type.shape.agrees(with: expected.shape) else {
        throw OperationWriter.unsupported(node.op, "it would become \(result.fact.type) instead of \(expected)")
      }
    }
    return (writer.operations, results)
  }
}

extension Dim {
  fileprivate var isNamed: Bool { if case .named = self { true } else { false } }
}

extension Shape {
  /// Whether both can be the shape of one tensor.
  func agrees(with other: Shape) -> Bool {
    guard let a = dims, let b = other.dims else { return true }
    return a.count == b.count
      && zip(a, b).allSatisfy { x, y in
        guard let x = x.value, let y = y.value else { return true }
        return x == y
      }
  }
}
