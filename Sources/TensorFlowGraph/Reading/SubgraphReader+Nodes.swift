import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor
import OrderedCollections
import ProtobufWire

extension SubgraphReader {
  /// Reads one node whose inputs have been read.
  mutating func read(_ position: Int, in g: inout GraphContext) throws -> [Symbol] {
    let node = table.nodes[position]
    if let symbols = try readControlFlow(position, node.op ?? "", name: fullName(node), in: &g) { return symbols }
    let inputs = try node.input.compactMap { text -> Symbol? in
      let reference = try table.reference(text)
      if case .control = reference { return nil }
      return try symbol(of: reference)
    }
    let type = node.op ?? "", name = fullName(node)
    if ["Assert", "Print", "PrintV2", "CheckNumerics", "CheckNumericsV2"].contains(type) { library.effects.add(type, at: name) }
    switch type {
    case "Const", "HostConst": return [.value(try constant(position, name: name, in: &g))]
    case "Identity", "StopGradient", "PreventGradient", "Snapshot", "RefIdentity", "PlaceholderWithDefault", "PlaceholderV2Default",
      "CheckNumerics", "CheckNumericsV2", "DebugIdentityV2", "DebugIdentity", "Enter", "RefEnter", "LoopCond", "ReadVariableXlaSplitND",
      "GuaranteeConst",
      "_Retval", "EnsureShape", "DisableCopyOnRead":
      guard let first = inputs.first else { throw FormatError(.invalidStructure, "\(type) has no input") }
      return type == "DisableCopyOnRead" ? [] : [try passed(first, through: node, in: &g)]
    case "IdentityN": return inputs
    case "Placeholder":
      if let file = library.variableSource.fileName(fedTo: node.name ?? "") {
        return [.value(g.graph.addConstant(Tensor(TensorType(.string, []), source: StringSource([Array(file.utf8)])), name: name))]
      }
    case "Switch", "RefSwitch":
      guard let first = inputs.first else { throw FormatError(.invalidStructure, "\(type) has no input") }
      return [first, first]
    case "_SwitchN":
      guard let first = inputs.first else { throw FormatError(.invalidStructure, "\(type) has no input") }
      let count = node.attr.first { $0.key == "num_outs" }?.value?.i ?? 2
      guard (0...1024).contains(count) else { throw FormatError(.limitExceeded, "\(type) with \(count) results") }
      return Array(repeating: first, count: Int(count))
    case "NoOp", "ControlTrigger", "Assert", "Print", "PrintV2": return type == "Print" ? Array(inputs.prefix(1)) : []
    default: break
    }
    if let symbols = try readState(node, type, name: name, inputs, in: &g) { return symbols }
    if let symbols = try readTable(node, type, name: name, inputs, in: &g) { return symbols }
    if let symbols = try readArray(node, type, name: name, inputs, in: &g) { return symbols }
    if let symbols = try readControl(node, type, name: name, inputs, in: &g) { return symbols }
    if let symbols = try readCall(node, type, name: name, inputs, in: &g) { return symbols }
    return try readOp(position, type, name: name, inputs, in: &g)
  }

  /// `EnsureShape` tells more of a type; anything else passes symbols as they are.
  private func passed(_ symbol: Symbol, through node: NodeDef, in g: inout GraphContext) throws -> Symbol {
    guard node.op == "EnsureShape", case .value(let value) = symbol else { return symbol }
    let reader = NodeReader(node, inputs: [value], functionAttributes: attributes)
    let type = g.graph[value].type
    if case .result = g.graph[value].definition {
      g.graph[value].type = type.refined(by: TensorType(type.dtype, try reader.shape("shape")))
    }
    return symbol
  }

  // MARK: Values

  /// The value a symbol stands for: of a variable the one it has now.
  func value(of symbol: Symbol, in g: inout GraphContext) throws -> ValueID {
    switch symbol {
    case .value(let value): return value
    case .variable(let variable): return try read(variable, in: &g)
    case .array: throw UnsupportedError("the handle of a TensorArray is used as a value")
    case .table(let table): throw UnsupportedError("the handle of the table '\(table.name)' is used as a value")
    }
  }

  /// Gives a graph's input for what a port feeds.
  mutating func feed(_ port: GraphSignature.Port, in g: inout GraphContext) throws {
    guard case .output(let node, let portOf) = try table.reference(port.reference) else {
      throw FormatError(.invalidStructure, "expected a tensor to be fed, found '\(port.reference)'")
    }
    let place = try place(node, portOf)
    let reader = NodeReader(table.nodes[node], inputs: [], functionAttributes: attributes)
    let own = try reader.placeholderType ?? reader.resultTypes().flatMap { place < $0.count ? $0[place] : nil }
    guard var type = port.type ?? own else {
      throw FormatError(.missingReference, "the type of '\(port.reference)' is not told")
    }
    if let own { type = type.refined(by: own) }
    let value = g.graph.addInput(port.name, type)
    feeds[Output(node: node, index: place)] = .value(value)
  }

  private func constant(_ position: Int, name: String, in g: inout GraphContext) throws -> ValueID {
    let reader = NodeReader(table.nodes[position], inputs: [], functionAttributes: attributes)
    let tensor: Tensor
    do { tensor = try reader.tensor("value") } catch is UnsupportedError {
      let value = try opaque(reader, name: library.uniqueName(name), [], reason: "constants of this type are not supported", in: &g)
      guard let first = value.first else { throw FormatError(.invalidStructure, "a constant without a value") }
      return first
    }
    guard tensor.dtype.isFloatingPoint, let rank = tensor.type.shape.rank, rank > 0 else {
      return g.graph.addConstant(tensor, name: name)
    }
    let parameter = library.parameter(of: position, in: table, named: name, tensor, in: &g.model)
    return g.graph.addParameter(parameter, of: g.model)
  }

  // MARK: Names

  /// The node's name with those of the calls around it; names that tell of a call alone are left out.
  func fullName(_ node: NodeDef) -> String { prefix + (node.name ?? "") }

  /// The prefix of what a call makes.
  static func prefix(_ name: String) -> String {
    guard let last = name.split(separator: "/").last else { return "" }
    let isPlain = last.hasPrefix("PartitionedCall") || last.hasPrefix("StatefulPartitionedCall")
    return isPlain ? String(name.dropLast(last.count)) : name + "/"
  }

  // MARK: Ops

  private mutating func readOp(
    _ position: Int, _ type: String, name: String, _ inputs: [Symbol], in g: inout GraphContext
  ) throws -> [Symbol] {
    let node = table.nodes[position]
    let unique = library.uniqueName(name)
    g.namePrefix = unique
    g.origin = Origin(sources: [name])
    g.scope = library.scope(of: name, in: &g.model)
    var values: [ValueID] = []
    for input in inputs {
      let isHandle =
        switch input {
        case .table, .array: true;
        default: false
        }
      if isHandle {
        let reader = NodeReader(node, inputs: [], functionAttributes: attributes)
        return try opaque(reader, name: unique, [], reason: "its state can't be followed", in: &g).map(Symbol.value)
      }
      values.append(try value(of: input, in: &g))
    }
    let reader = NodeReader(node, inputs: values, functionAttributes: attributes)
    let first = g.graph.nodeSlots.count
    var results: [ValueID]
    func giveUp(_ reason: String?) throws -> [ValueID] {
      for id in g.graph.nodeIDs(since: first) { g.graph.remove(id) }
      return try opaque(reader, name: unique, values, reason: reason, in: &g)
    }
    guard let rule = library.rules.reader(type) else { return try giveUp(unknownReason(type)).map(Symbol.value) }
    let isTyped = values.allSatisfy { g.graph[$0].type.shape.rank != nil && g.graph[$0].type.dtype != .variant }
    do { results = try rule(reader, &g) } catch let error as UnsupportedError {
      return try giveUp(error.message).map(Symbol.value)
    } catch let error as GraphError {
      guard !isTyped || error.code == .missingType || library.guessesTypes else { throw FormatError(.invalidValue, error.description) }
      return try giveUp("its inputs have unknown types: \(error.message)").map(Symbol.value)
    } catch let error as ExecutionError { throw FormatError(.invalidValue, error.description) }
    try nameResults(&results, reader, since: first, name: unique, in: &g)
    return results.map(Symbol.value)
  }

  /// Why some ops are left to TensorFlow.
  private static let withoutKernel: [String: String] = {
    var result: [String: String] = [:]
    for type in ["CudnnRNN", "CudnnRNNV2", "CudnnRNNV3"] { result[type] = "its parameters are laid out by the graphics card's library" }
    for type in ["FIFOQueueV2", "QueueDequeueV2", "QueueDequeueManyV2", "QueueDequeueUpToV2"] {
      result[type] = "a queue is filled while a session runs; the graph is to be fed where it is read"
    }
    for type in ["Iterator", "IteratorV2", "OneShotIterator", "IteratorGetNext"] {
      result[type] = "a data set is read while a session runs; the graph is to be fed where it is read"
    }
    return result
  }()

  private func unknownReason(_ type: String) -> String? {
    if type == "Placeholder" { return "it is not fed by the signature" }
    if let reason = Self.withoutKernel[type] { return reason }
    guard OpSignature.named(type) == nil else { return nil }
    return "it is no op of TensorFlow's for inference; the graph needs a library of its own, or training"
  }

  /// Gives the results the node's name, if the rule gave no other, and what the node declares of their types.
  private func nameResults(
    _ results: inout [ValueID], _ reader: NodeReader, since first: Int, name: String, in g: inout GraphContext
  ) throws {
    let shapes = reader.declaredShapes
    for (place, value) in results.enumerated() {
      guard case .result(let producer, _) = g.graph[value].definition, Int(producer.raw) >= first else { continue }
      g.graph[value].name = place == 0 ? name : "\(name):\(place)"
      if place == 0, g.graph[producer].name.hasPrefix(name) { g.graph[producer].name = name }
      let type = g.graph[value].type
      if place < shapes.count, type.dtype != .variant {
        g.graph[value].type = type.refined(by: TensorType(type.dtype, shapes[place]))
      }
    }
  }

  /// Carries a node verbatim.
  func opaque(
    _ reader: NodeReader, name: String, _ inputs: [ValueID], reason: String?, in g: inout GraphContext
  ) throws -> [ValueID] {
    var payload = reader.node
    payload.attr = payload.attr.map { entry in
      guard let key = entry.key, let value = reader.attribute(key) else { return entry }
      return AttrEntry(key, value)
    }
    let types = try reader.resultTypes() ?? unregisteredTypes(reader)
    if DroppedEffects.isDropped(reader.type, resultCount: types.count) { library.effects.add(reader.type, at: name) }
    let op = OpaqueOp(
      format: TensorFlowResidue.key, type: reader.type, attributes: reader.printable(payload.attr), resultTypes: types,
      reason: reason, payload: TensorFlowPayload(node: payload))
    let id = g.graph.append(op, inputs, types: types, name: name, scope: g.scope, origin: g.origin)
    return g.graph[id].outputs
  }

  /// Of an op TensorFlow does not register nothing is known but which of its results are used.
  private func unregisteredTypes(_ reader: NodeReader) -> [TensorType] {
    let type = (reader.attribute("T") ?? reader.attribute("Tout") ?? reader.attribute("dtype"))?.type?.dtype ?? .float32
    library.guessesTypes = true
    let count = 1 + (table.lastUsedResult[reader.node.name ?? ""] ?? 0)
    let shapes = reader.declaredShapes
    return (0..<min(count, 256)).map { TensorType(type, $0 < shapes.count ? shapes[$0] : .unranked) }
  }
}

extension NodeReader {
  /// The attributes, for people.
  func printable(_ attributes: [AttrEntry]) -> OrderedDictionary<String, AttributeValue> {
    var result: OrderedDictionary<String, AttributeValue> = [:]
    for entry in attributes {
      guard let key = entry.key, !key.hasPrefix("_"), let value = entry.value else { continue }
      result[key] = value.printable
    }
    return result
  }
}

extension AttrValue {
  /// As people read it.
  var printable: AttributeValue {
    if let i { return .int(Int(i)) }
    if let f { return .double(Double(f)) }
    if let b { return .bool(b) }
    if let s { return (try? s.text()).map(AttributeValue.string) ?? .string("…") }
    if let type { return .string(type.name) }
    if let shape { return .shape(shape.shape) }
    if let tensor, let value = try? tensor.value.tensor() { return .tensor(value) }
    if let function { return .string(function.value.name ?? "") }
    if let list {
      if !list.i.isEmpty { return .ints(list.i.map { Int($0) }) }
      if !list.f.isEmpty { return .doubles(list.f.map(Double.init)) }
      if !list.s.isEmpty { return .strings(list.s.compactMap { try? $0.text() }) }
      if !list.type.isEmpty { return .strings(list.type.map(\.name)) }
      if !list.shape.isEmpty { return .list(list.shape.map { .shape($0.shape) }) }
      if !list.b.isEmpty { return .list(list.b.map { .bool($0) }) }
      return .list([])
    }
    return .none
  }
}
