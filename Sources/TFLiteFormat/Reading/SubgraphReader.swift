import FlatBufferWire
import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// Reads the operators of one subgraph, in the order in which they run, into a graph of the model.
struct SubgraphReader {
  let library: SubgraphLibrary
  let index: Int
  let subgraph: TFLiteSubGraph
  let tensors: [TFLiteTensor]
  /// The subgraphs being read, outermost first.
  let calls: [Int]
  /// What stands for each tensor so far.
  var values: [Int: ValueID] = [:]
  var memory = SubgraphMemory()
  /// Whether the subgraph's inputs have fixed extents, so that the other tensors' are to be trusted.
  private(set) var isStatic = false

  init(_ library: SubgraphLibrary, _ index: Int, calls: [Int] = []) throws {
    guard library.subgraphs.indices.contains(index) else {
      throw FormatError(.missingReference, "there is no subgraph \(index), the file has \(library.subgraphs.count)")
    }
    guard !calls.contains(index) else { throw FormatError(.cycle, "subgraph \(index) runs itself") }
    guard calls.count < SubgraphLibrary.depthLimit else {
      throw FormatError(.limitExceeded, "subgraphs are nested deeper than \(SubgraphLibrary.depthLimit)")
    }
    self.library = library
    self.index = index
    self.calls = calls + [index]
    subgraph = library.subgraphs[index]
    tensors = subgraph.tensors ?? []
  }

  var inputs: [Int] { (subgraph.inputs ?? []).map { Int($0) } }
  var outputs: [Int] { (subgraph.outputs ?? []).map { Int($0) } }

  // MARK: Tensors

  func tensor(_ number: Int) throws -> TFLiteTensor {
    guard tensors.indices.contains(number) else {
      throw FormatError(.missingReference, "there is no tensor \(number), the subgraph has \(tensors.count)")
    }
    return tensors[number]
  }
  func name(of number: Int) -> String {
    guard tensors.indices.contains(number), let name = tensors[number].name, !name.isEmpty else { return "tensor_\(number)" }
    return name
  }
  func type(of number: Int) throws -> TensorType { try library.file.tensorType(number, subgraph: index) }

  /// What stands for a tensor that an operator reads.
  mutating func value(_ number: Int, in g: inout GraphContext) throws -> ValueID {
    if let known = values[number] { return known }
    let entry = try tensor(number)
    guard let stored = try library.file.tensor(number, subgraph: index) else {
      if let value = try variable(number, entry, in: &g) { return value }
      let isMade = (subgraph.operators ?? []).contains { ($0.outputs ?? []).contains(Int32(clamping: number)) }
      if !isMade, let empty = try library.file.emptyTensor(number, subgraph: index) {
        let value = constant(empty, number, in: &g)
        values[number] = value
        return value
      }
      throw FormatError(
        isMade ? .invalidStructure : .missingReference,
        isMade
          ? "tensor \(number) ('\(name(of: number))') is used before the operator that makes it"
          : "tensor \(number) ('\(name(of: number))') has neither elements nor an operator that makes it")
    }
    let value = constant(stored, number, in: &g)
    values[number] = value
    return value
  }

  private func constant(_ stored: Tensor, _ number: Int, in g: inout GraphContext) -> ValueID {
    let name = name(of: number), type = stored.type
    let isWeight = type.dtype.isFloatingPoint || QuantizedType(type) != nil
    guard isWeight, let rank = type.shape.rank, rank > 0 else { return g.graph.addConstant(stored, name: name) }
    let key = UInt64(tensors[number].buffer) | UInt64(tensors[number].externalBuffer) << 32
    let id = library.parameter(buffer: key, name: name, stored, isTrainable: type.dtype.isFloatingPoint, in: &g.model)
    return g.graph.addParameter(id, of: g.model, name: name)
  }

  // MARK: Reading

  /// Reads the subgraph as an entry point.
  mutating func readEntry(in g: inout GraphContext) throws {
    let entry = library.file.entryPoint(subgraph: index)
    isStatic = try entry.inputs.allSatisfy { try type(of: $0.tensor).shape.extents != nil }
    for port in entry.inputs {
      guard values[port.tensor] == nil else { throw FormatError(.invalidStructure, "tensor \(port.tensor) is an input twice") }
      values[port.tensor] = g.graph.addInput(port.name, try type(of: port.tensor))
    }
    try readOperators(in: &g)
    for port in entry.outputs { g.graph.addOutput(port.name, try value(port.tensor, in: &g)) }
    bindStates(in: &g)
  }

  /// Reads the subgraph as a body.
  mutating func readBody(_ types: [TensorType], in g: inout GraphContext) throws {
    guard types.count == inputs.count else {
      throw FormatError(.invalidStructure, "subgraph \(index) has \(inputs.count) inputs, it is given \(types.count)")
    }
    isStatic = types.allSatisfy { $0.shape.extents != nil }
    for (number, type) in zip(inputs, types) {
      guard values[number] == nil else { throw FormatError(.invalidStructure, "tensor \(number) is an input twice") }
      values[number] = g.graph.addInput(name(of: number), type)
    }
    try readOperators(in: &g)
    for number in outputs { g.graph.addOutput(name(of: number), try value(number, in: &g)) }
  }

  mutating func readOperators(in g: inout GraphContext) throws {
    for (place, op) in (subgraph.operators ?? []).enumerated() {
      try library.countOperator()
      let (code, customName, version) = library.file.opcode(of: op)
      let type = customName ?? code.name
      try within("operators[\(place)] (\(type))") {
        try read(op, place, code, customName, version, in: &g)
      }
    }
  }
}
