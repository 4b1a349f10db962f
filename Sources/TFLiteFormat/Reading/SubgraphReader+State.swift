import FlatBufferWire
import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

extension SubgraphReader {
  /// The value of a tensor that keeps its elements from one run to the next; `nil` for any other.
  mutating func variable(_ number: Int, _ tensor: TFLiteTensor, in g: inout GraphContext) throws -> ValueID? {
    try variable(number, tensor, role: .stream, in: &g)
  }

  /// A variable tensor's value. It starts with zeros.
  mutating func variable(
    _ number: Int, _ tensor: TFLiteTensor, role: StateVariable.Role, in g: inout GraphContext
  ) throws -> ValueID? {
    guard tensor.isVariable else { return nil }
    if let known = values[number] { return known }
    let type = try self.type(of: number), key = "\(library.place(index))/tensor \(number)"
    let fill = UInt8(truncatingIfNeeded: type.dtype == .int8 ? type.quantization?.zeroPoints.first ?? 0 : 0)
    let value = try addState(key, name: name(of: number), try filled(type, with: fill), role: role, in: &g)
    values[number] = value
    memory.handles[number] = key
    return value
  }

  /// Says what a variable tensor holds from now on.
  mutating func assign(_ next: ValueID, toVariable number: Int) {
    values[number] = next
    if let key = memory.handles[number] { memory.current[key] = next }
  }

  func filled(_ type: TensorType, with byte: UInt8) throws -> Tensor {
    guard let extents = type.shape.extents, let count = type.shape.elementCount, let bytes = type.dtype.byteCount(of: count) else {
      throw UnsupportedError("a variable of type \(type), which starts with nothing, is not supported")
    }
    _ = try ExecutionContext.allocateChecked(type.dtype, extents)
    return Tensor(type, source: RepeatedByte(byte, count: bytes))
  }

  mutating func addState(
    _ key: String, name: String, _ initial: Tensor, role: StateVariable.Role, in g: inout GraphContext
  ) throws -> ValueID {
    guard calls.count == 1 else { throw UnsupportedError("state inside the body of a loop or branch is not supported") }
    let taken = Set(g.graph.inputs.map(\.name))
    var unique = name, number = 1
    while taken.contains(unique) {
      number += 1
      unique = "\(name)#\(number)"
    }
    let (place, value) = g.graph.addState(unique, initial: initial, role: role)
    memory.states[key] = place
    memory.current[key] = value
    return value
  }

  /// Gives every state its next value, when all operators have been read.
  mutating func bindStates(in g: inout GraphContext) {
    for (key, place) in memory.states.sorted(by: { $0.value < $1.value }) {
      let input = g.graph.inputs[g.graph.states[place].input].value
      g.graph.bindState(place, to: memory.current[key] ?? input)
    }
  }

  /// Reads an operator on resources or variables; `false` for any other.
  mutating func readState(_ op: TFLiteOperator, _ code: BuiltinOperator, name: String, in g: inout GraphContext) throws -> Bool {
    switch code {
    case .varHandle:
      let options = options(of: op, VarHandleOptions.self)
      let names = [options.container, options.sharedName].compactMap { $0 }.filter { !$0.isEmpty }
      memory.handles[try tensorNumber(op.outputs, 0)] = "variable \(names.joined(separator: "/"))"
    case .readVariable: try readVariable(op, in: &g)
    case .assignVariable: memory.current[try handle(op)] = try value(try tensorNumber(op.inputs, 1), in: &g)
    case .callOnce: try initialise(from: Int(options(of: op, CallOnceOptions.self).initSubgraphIndex), in: &g)
    case .hashtable: try makeTable(op)
    case .hashtableImport: try fillTable(op, in: &g)
    case .hashtableFind: try findInTable(op, in: &g)
    case .hashtableSize: try sizeOfTable(op, in: &g)
    case .svdf, .rnn, .lstm, .unidirectionalSequenceRnn, .unidirectionalSequenceLstm, .bidirectionalSequenceRnn,
      .bidirectionalSequenceLstm:
      try readRecurrent(op, code, in: &g)
    default: return false
    }
    return true
  }

  // MARK: Resources

  func options<T: FlatTable>(of op: TFLiteOperator, _: T.Type) -> T {
    (op.builtinOptions.content as? T) ?? (op.builtinOptions2.content as? T) ?? T()
  }
  func tensorNumber(_ list: [Int32]?, _ index: Int) throws -> Int {
    guard let list, index < list.count, list[index] >= 0 else {
      throw FormatError(.missingReference, "expected at least \(index + 1) tensors, found \(list?.count ?? 0)")
    }
    return Int(list[index])
  }
  /// What the handle in an operator's first input stands for.
  func handle(_ op: TFLiteOperator) throws -> String {
    let tensor = try tensorNumber(op.inputs, 0)
    guard let key = memory.handles[tensor] else {
      throw UnsupportedError("tensor \(tensor) ('\(name(of: tensor))') is no handle that is known here")
    }
    return key
  }
  mutating func define(_ op: TFLiteOperator, _ output: Int, _ result: ValueID) throws {
    let number = try tensorNumber(op.outputs, output)
    guard values[number] == nil else { throw FormatError(.invalidStructure, "tensor \(number) is made twice") }
    values[number] = result
  }

  private mutating func readVariable(_ op: TFLiteOperator, in g: inout GraphContext) throws {
    let key = try handle(op)
    if let known = memory.current[key] { return try define(op, 0, known) }
    let declared = try type(of: try tensorNumber(op.outputs, 0))
    // Another entry point may assign it: until then it is taken for zeros.
    let initial = try memory.initial[key] ?? filled(declared, with: 0)
    guard initial.dtype == declared.dtype else { throw FormatError(.invalidValue, "\(key) holds \(initial.type), not \(declared)") }
    let type = TensorType(initial.dtype, initial.type.shape, quantization: declared.quantization)
    let name = String(key.dropFirst("variable ".count))
    try define(
      op, 0, try addState(key, name: name.isEmpty ? "variable" : name, Tensor(type, source: initial.source), role: .stream, in: &g))
  }

  /// Runs an initialisation subgraph while reading: what it assigns is where variables and tables start.
  private mutating func initialise(from target: Int, in g: inout GraphContext) throws {
    var reader = try SubgraphReader(library, target, calls: calls)
    reader.memory.tables = memory.tables
    guard reader.inputs.isEmpty else { throw FormatError(.invalidStructure, "an initialisation subgraph has inputs") }
    var inner = GraphContext(g.model, graph: Graph(name: library.place(target)))
    try reader.readOperators(in: &inner)
    var evaluator = ConstantEvaluator(inner)
    for (key, value) in reader.memory.current.sorted(by: { $0.key < $1.key }) { memory.initial[key] = try evaluator.tensor(value) }
    memory.tables = reader.memory.tables
    g.model = inner.model
  }
}
