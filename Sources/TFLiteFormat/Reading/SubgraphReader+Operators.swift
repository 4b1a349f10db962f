import FlatBufferWire
import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor
import OrderedCollections
import TensorFlowGraph

extension SubgraphReader {
  /// Reads one operator and makes its outputs known.
  mutating func read(
    _ op: TFLiteOperator, _ place: Int, _ code: BuiltinOperator, _ customName: String?, _ version: Int32, in g: inout GraphContext
  ) throws {
    let outputs = (op.outputs ?? []).map { Int($0) }
    guard let first = outputs.first ?? (op.inputs ?? []).first.map({ Int($0) }) else {
      // An initialisation has neither inputs nor outputs.
      _ = try readState(op, code, name: code.name, in: &g)
      return
    }
    let name = library.uniqueName(name(of: first))
    g.namePrefix = name
    g.origin = Origin(sources: ["\(library.place(index))/operators[\(place)]"])
    let numbers = (op.inputs ?? []).map { Int($0) }
    let before = g.graph.nodeSlots.count
    var refusal: String?
    do {
      if try customName.map({ try readSignal(op, $0, name: name, in: &g) }) ?? readState(op, code, name: name, in: &g) {
        return nameState(outputs, since: before, name: name, in: &g)
      }
    } catch let error
      as UnsupportedError
    {
      for id in g.graph.nodeIDs(since: before) { g.graph.remove(id) }
      refusal = error.reasons
    }
    let flexName = customName.flatMap { $0.hasPrefix(FlexRules.prefix) ? String($0.dropFirst(FlexRules.prefix.count)) : nil }
    if DroppedEffects.isDropped(flexName ?? customName ?? code.name, resultCount: outputs.count) {
      library.effects.add(flexName ?? customName ?? code.name, at: "\(library.place(index))/operators[\(place)]")
    }
    let isForeign = customName.map { library.rules.reading(.custom($0)) == nil } ?? false
    let inputs = try numbers.map { number -> ValueID? in
      if number < 0 || memory.handles[number] != nil && values[number] == nil { return nil }
      return try isForeign && isScratch(number) ? nil : value(number, in: &g)
    }
    let reader = OperatorReader(
      library: library, op: op, code: code, type: customName ?? code.name, version: Int(version), inputs: inputs,
      inputTypes: try numbers.map { $0 < 0 ? nil : try type(of: $0) }, outputTypes: try outputs.map { try type(of: $0) }
    ).withStaleResult(code, in: g)
    let results: [ValueID]
    if let refusal {
      results = opaque(reader, customName, name: name, reason: refusal, in: &g)
    } else {
      results = try self.results(of: reader, customName: customName, name: name, in: &g)
    }
    guard results.count >= outputs.count else {
      throw FormatError(.invalidStructure, "\(reader.type) has \(results.count) results, expected \(outputs.count)")
    }
    for (number, result) in zip(outputs, results) where number >= 0 {
      guard values[number] == nil else { throw FormatError(.invalidStructure, "tensor \(number) is made twice") }
      values[number] = result
    }
  }

  private func results(
    of reader: OperatorReader, customName: String?, name: String, in g: inout GraphContext
  ) throws -> [ValueID] {
    let first = g.graph.nodeSlots.count
    func giveUp(_ reason: String?) throws -> [ValueID] {
      for id in g.graph.nodeIDs(since: first) { g.graph.remove(id) }
      return opaque(reader, customName, name: name, reason: reason, in: &g)
    }
    let isTyped = reader.inputs.allSatisfy { $0 == nil || $0.map { g.graph[$0].type.shape.rank != nil } ?? true }
    var results: [ValueID]
    do {
      if let control = try readControl(reader, name: name, in: &g) {
        results = control
      } else {
        let key = customName.map(OperatorRule.Key.custom) ?? .builtin(reader.code.rawValue)
        guard let reading = library.rules.reading(key) else { return try giveUp(customName.flatMap { Self.compiled[$0] }) }
        switch reading {
        case .moves(let read):
          results = try read(reader, &g)
          wrapMoves(since: first, in: &g)
        case .computes(let compute):
          results = try apply(try compute(reader, &g), reader, in: &g)
        case .inspects(let read): results = try read(reader, &g)
        case .reads(let read):
          guard !reader.isNarrow else { throw UnsupportedError("its quantised form is not supported") }
          results = try read(reader, &g)
        }
      }
    } catch let error as UnsupportedError {
      return try giveUp(error.message)
    } catch let error as GraphError {
      guard !isTyped || error.code == .missingType else { throw FormatError(.invalidValue, error.description) }
      return try giveUp("its inputs have unknown types: \(error.message)")
    } catch let error as ExecutionError { throw FormatError(.invalidValue, error.description) }
    nameResults(&results, reader, since: first, name: name, in: &g)
    return results
  }

  /// Operators that hold a network compiled for an accelerator.
  private static let compiled = [
    "edgetpu-custom-op": "it is compiled for the Edge TPU: the file that it was compiled from can be converted",
    "ethos-u": "it is compiled for Arm's Ethos-U: the file that it was compiled from can be converted",
  ]

  /// Whether a tensor is room that an operator is given to work in, as compilers for accelerators give their own: it has no elements, and
  /// nothing makes it.
  private func isScratch(_ number: Int) throws -> Bool {
    guard values[number] == nil, tensors.indices.contains(number), !tensors[number].isVariable,
      try library.file.tensor(number, subgraph: index) == nil
    else { return false }
    return !(subgraph.operators ?? []).contains { ($0.outputs ?? []).contains(Int32(clamping: number)) }
  }

  /// The float ops, or one on the stored integers where tensors are quantised.
  private func apply(_ computation: Computation, _ reader: OperatorReader, in g: inout GraphContext) throws -> [ValueID] {
    // What comes out of a loop as plain integers may have scales behind it, in the entry of the tensor that is read.
    let inputs = computation.inputs.map { value in
      value.flatMap { value in QuantizedType(g.graph[value].type) ?? reader.declared(value, g.graph[value].type.dtype) }
    }
    let outputs = reader.outputTypes.map { QuantizedType($0) }
    if let unit = unitScale(computation, inputs, outputs, in: g), let activation = computation.activation.fused {
      let whole = QuantizedOp(computation.op, activation: activation, inputs: [unit], outputs: [unit])
      let results = try g.apply(whole, to: computation.inputs)
      for result in results { g.graph[result].type.quantization = nil }
      return results
    }
    guard inputs.contains(where: { $0 != nil }) || outputs.contains(where: { $0 != nil }) else {
      guard library.keepsOperators, let activation = computation.activation.fused, !(computation.op is IdentityOp) || activation != .none,
        reader.outputTypes.first?.dtype == .float32
      else { return try computation.apply(in: &g) }
      let whole = QuantizedOp(
        computation.op, activation: activation, inputs: computation.inputs.map { _ in nil }, outputs: reader.outputTypes.map { _ in nil })
      var results = try g.apply(whole, to: computation.inputs)
      if let finish = computation.finish, let result = results.first { results[0] = try finish(result, &g) }
      return results
    }
    if isPlain(computation, inputs, outputs, in: g) { return try computation.apply(in: &g) }
    guard let activation = computation.activation.fused else {
      throw UnsupportedError("the fused activation \(computation.activation.name) is not supported")
    }
    let op: any Op
    if let hybrid = reader.hybrid(computation, inputs, activation, in: g) {
      op = hybrid
    } else {
      op = QuantizedOp(computation.op, activation: activation, inputs: inputs, outputs: outputs)
    }
    var results = try g.apply(op, to: computation.inputs)
    if let finish = computation.finish, let result = results.first {
      let first = g.graph.nodeSlots.count
      results[0] = try finish(result, &g)
      wrapMoves(since: first, in: &g)
    }
    return results
  }

  /// Ops that move quantised elements do so as ops on quantised tensors: their results stand for the same numbers.
  private func wrapMoves(since first: Int, in g: inout GraphContext) {
    for id in g.graph.nodeIDs(since: first) {
      let node = g.graph[id]
      let inputs = node.inputs.map { $0.flatMap { QuantizedType(g.graph[$0].type) } }
      guard let moved = inputs.compactMap({ $0 }).first, !(node.op is QuantizedOp) else { continue }
      var outputs: [QuantizedType?] = []
      for output in node.outputs {
        let isMoved = g.graph[output].type.dtype == moved.dtype
        outputs.append(isMoved ? moved : nil)
        if isMoved { g.graph[output].type.quantization = moved.quantization }
      }
      guard outputs.contains(where: { $0 != nil }) else { continue }
      g.graph[id].op = QuantizedOp(node.op, inputs: inputs, outputs: outputs)
    }
  }

  /// Gives the results their tensors' names, and what the file tells of their types.
  private func nameResults(
    _ results: inout [ValueID], _ reader: OperatorReader, since first: Int, name: String, in g: inout GraphContext
  ) {
    let numbers = (reader.op.outputs ?? []).map { Int($0) }
    for (place, value) in results.enumerated() where place < numbers.count {
      guard case .result(let producer, _) = g.graph[value].definition, Int(producer.raw) >= first else { continue }
      g.graph[value].name = place == 0 ? name : self.name(of: numbers[place])
      if place == 0 { g.graph[producer].name = name }
      let declared = reader.outputTypes[place], type = g.graph[value].type
      guard type.dtype != .variant, let shape = trusted(declared.shape, numbers[place], type.shape) else { continue }
      g.graph[value].type = type.refined(by: TensorType(type.dtype, shape))
    }
  }

  /// A file's shape for what inference does not know: of tensors with a shape signature, and of all where nothing is resized.
  private func trusted(_ shape: Shape, _ number: Int, _ inferred: Shape) -> Shape? {
    guard inferred.extents == nil, let dims = shape.dims, tensors.indices.contains(number) else { return nil }
    // Without a signature, a shape of rank 0 says nothing.
    if dims.isEmpty && !tensors[number].hasRank { return nil }
    return tensors[number].shapeSignature?.isEmpty == false || isStatic ? shape : nil
  }

  /// Carries an operator verbatim.
  private func opaque(
    _ reader: OperatorReader, _ customName: String?, name: String, reason: String?, in g: inout GraphContext
  ) -> [ValueID] {
    let payload = TFLitePayload(op: reader.op, code: reader.code, customName: customName, version: Int32(clamping: reader.version))
    // A shape of rank 0 without `has_rank` says nothing.
    let types = zip(reader.op.outputs ?? [], reader.outputTypes).map { number, type in
      let isKnown = type.shape.rank != 0 || tensors.indices.contains(Int(number)) && tensors[Int(number)].hasRank
      return isKnown ? type : TensorType(type.dtype, .unranked, quantization: type.quantization)
    }
    let op = OpaqueOp(
      format: TFLiteResidue.key, type: reader.type, attributes: reader.printable, resultTypes: types, reason: reason,
      payload: payload)
    let id = g.graph.append(op, reader.inputs, types: types, name: name, scope: g.scope, origin: g.origin)
    return g.graph[id].outputs
  }
}

extension OperatorReader {
  /// The options, for people.
  var printable: OrderedDictionary<String, AttributeValue> {
    var result: OrderedDictionary<String, AttributeValue> = [:]
    for content in [op.builtinOptions.content, op.builtinOptions2.content] {
      guard let content else { continue }
      for (name, value) in content.fieldValues {
        switch value {
        case .scalar(let scalar): result[name] = .string(scalar.description)
        case .string(let text): result[name] = .string(text)
        case .scalars(let vector): result[name] = .string("[" + vector.texts(0..<min(vector.count, 64)).joined(separator: ", ") + "]")
        default: break
        }
      }
    }
    return result
  }
}

extension FlatTable {
  /// What each field holds, in order.
  fileprivate var fieldValues: [(name: String, value: FlatValue)] {
    Self.table.fields.compactMap { field in field.value(self).map { (field.name, $0) } }
  }
}

extension ActivationFunctionType {
  /// `nil` for a number that the schema does not name. LiteRT's kernels know no more than clamps: they pass over the others.
  var fused: FusedActivation? {
    switch self {
    case .none, .tanh, .signBit: FusedActivation.none
    case .relu: .relu
    case .reluN1To1: .reluN1To1
    case .relu6: .relu6
    default: nil
    }
  }
}
