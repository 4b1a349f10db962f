import FlatBufferWire
import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// Writes a model of canonical ops as a TFLite file of operators that LiteRT executes itself.
///
/// Names and order of inputs and outputs are kept in signatures, open extents in shape signatures. Weights are streamed from where
/// they are; equal ones are written once.
public struct TFLiteWriter: Sendable {
  public var replaceExisting = true
  /// From here on weights stand behind the tables, as offsets inside would not reach them.
  public var insideLimit = 2_000_000_000

  public init() {}

  /// - Throws: `UnsupportedError` with the complete list of what can't be written; `StorageError`.
  @discardableResult
  public func write(_ model: Model, to path: String) throws -> [Loss] {
    var losses: [Loss] = []
    let file = try encode(model, &losses)
    let output = try AtomicOutput(destination: path, replaceExisting: replaceExisting)
    try BufferPlacement(file, insideLimit: insideLimit).write(to: output.temporaryPath)
    try output.commit()
    return losses
  }

  /// The size of the file that `write` makes of the tables.
  /// - Throws: `FormatError` when the tables alone are too large.
  public func byteCount(of file: TFLiteModel) throws -> Int { try BufferPlacement(file, insideLimit: insideLimit).byteCount }

  /// The model as the tables of a file, without writing one.
  public func encode(_ model: Model) throws -> TFLiteModel {
    var losses: [Loss] = []
    return try encode(model, &losses)
  }

  private func encode(_ model: Model, _ losses: inout [Loss]) throws -> TFLiteModel {
    let state = EmissionState(model)
    var signatures = model.signatures.filter { model.graphs[$0.graph] != nil }
    if signatures.isEmpty { signatures = [Signature("serving_default", graph: model.main)] }
    if !signatures.contains(where: { $0.graph == model.main }) { signatures.insert(Signature("serving_default", graph: model.main), at: 0) }
    // The main graph is the first subgraph: the one that runs when nobody names a signature.
    var graphs: [GraphID] = [model.main]
    for signature in signatures where !graphs.contains(signature.graph) { graphs.append(signature.graph) }
    let places = graphs.map { _ in state.library.reserve() }
    for (id, place) in zip(graphs, places) {
      guard let graph = model.graphs[id] else { throw GraphError(.invalidStructure, "there is no graph '\(id)'") }
      state.library.set(place, try finished(graph, state, name: id == model.main ? "main" : graph.name))
    }
    try state.check()
    if let initialisation = try OperatorWriter.initialisation(of: graphs.compactMap { model.graphs[$0] }, state.library) {
      for place in places { state.library.subgraphs[place].frame.steps.insert(OperatorWriter.callOnce(initialisation), at: 0) }
    }
    var assembler = ModelAssembler(comparesLarge: graphs.count > 1)
    var result = TFLiteModel()
    result.version = 3
    let kept = KeptMetadata(model)
    result.description = kept.description ?? "modelctl"
    result.subgraphs = try state.library.subgraphs.map { finished in
      Fusing.run(finished)
      return try assembler.subgraph(finished)
    }
    result.operatorCodes = assembler.operatorCodes
    result.signatureDefs = signatures.compactMap { signature in
      guard let place = graphs.firstIndex(of: signature.graph), let graph = model.graphs[signature.graph],
        let subgraph = result.subgraphs?[place]
      else { return nil }
      var def = SignatureDef()
      def.signatureKey = signature.name
      def.subgraphIndex = UInt32(place)
      def.inputs = zip(graph.openInputs, subgraph.inputs ?? []).map { TensorMap(name: $0.name, tensorIndex: UInt32($1)) }
      def.outputs = zip(graph.openOutputs, subgraph.outputs ?? []).map { TensorMap(name: $0.name, tensorIndex: UInt32($1)) }
      return def
    }
    // Sixteen bytes, filled up with zeros.
    var version = Array(assembler.minimumRuntime.utf8)
    version += [UInt8](repeating: 0, count: max(0, 16 - version.count))
    var metadata = [TFLiteMetadata(name: "min_runtime_version", buffer: assembler.add(data: version))]
    for (key, value) in model.metadata where key != "min_runtime_version" {
      metadata.append(TFLiteMetadata(name: key, buffer: assembler.add(data: Array(value.utf8))))
    }
    metadata += kept.entries.map { TFLiteMetadata(name: $0.name, buffer: assembler.add(data: $0.content)) }
    losses += kept.losses
    result.metadata = metadata
    result.buffers = assembler.buffers
    losses += Self.narrowed(model)
    if model.training != nil { losses.append(Loss("training configuration", reason: "TFLite has no place for it")) }
    return result
  }

  /// What is computed in float32 although the model computes it in another dtype.
  private static func narrowed(_ model: Model) -> [Loss] {
    var found: Set<DType> = []
    for graph in model.graphs.values {
      for case let node? in graph.nodeSlots where !(node.op is CastOp) {
        for output in node.outputs { found.insert(graph[output].type.dtype) }
      }
    }
    return [DType.float64, .float16, .bfloat16].filter { found.contains($0) }.map {
      Loss("\($0) arithmetic", reason: "LiteRT computes in float32")
    }
  }

  private func finished(_ graph: Graph, _ state: EmissionState, name: String) throws -> WrittenSubgraphs.Finished {
    let frame = SubgraphFrame()
    var writer = OperatorWriter(frame: frame, library: state.library, rules: state.rules)
    var emitter = GraphEmitter(state: state, graph: graph)
    var inputs: [Int] = [], handles: [Int: OutValue] = [:]
    for (place, port) in graph.inputs.enumerated() {
      if let variable = graph.states.first(where: { $0.input == place }) {
        writer.nodeName = port.name
        let handle = try writer.handle(variable), type = graph[port.value].type
        if graph.outputs.indices.contains(variable.output), graph.outputs[variable.output].value != port.value {
          handles[variable.output] = handle
        }
        emitter.values[port.value] = try writer.read(handle, type)
        continue
      }
      let value = frame.addArgument(port.name, Fact(graph[port.value].type, elements: graph[port.value].elements))
      emitter.values[port.value] = value
      inputs.append(value.index)
    }
    let results = try emitter.emit(into: &writer)
    var outputs: [Int] = [], taken = Set(inputs)
    let states = Set(graph.states.map(\.output))
    for (place, (port, result)) in zip(graph.outputs, results).enumerated() {
      var value = result
      if states.contains(place) {
        writer.nodeName = port.name
        if let handle = handles[place] { try writer.assign(value, to: handle) }
        continue
      }
      writer.nodeName = port.name
      if value.fact.constant != nil || !taken.insert(value.index).inserted { value = try writer.copied(value) }
      taken.insert(value.index)
      value = writer.refined(value, graph[port.value].type)
      try writer.refusePairs([value])
      frame.entries[value.index].name = port.name
      outputs.append(value.index)
    }
    return WrittenSubgraphs.Finished(name: name, frame: frame, inputs: inputs, outputs: outputs)
  }
}

extension TFLiteWriter {
  /// What can be written: channels last, and every op a rule or its decomposition spells.
  public static func profile() -> TargetProfile {
    var profile = TargetProfile(
      name: "TFLite", level: .ops, layout: .channelsLast, dtypes: Set(DType.allCases.filter { TFLiteDTypes.wire($0) != nil })
    ) { node, graph, model in
      // Written for trial, so the answer can't differ from what happens later.
      let rules = WritingTable.all
      if !node.bodies.isEmpty { return rules.writer(node.op) == nil ? "TFLite has no operator for it" : nil }
      let frame = SubgraphFrame()
      var writer = OperatorWriter(frame: frame, library: WrittenSubgraphs(), rules: rules, nodeName: "trial")
      let inputs = node.inputs.map { value in
        value.map { id -> OutValue in
          let fact = model.fact(id, in: graph)
          var value = frame.add(fact.type, "input", constant: fact.constant)
          value.fact = fact
          return value
        }
      }
      do {
        _ = try writer.write(node.op, inputs)
        return nil
      } catch let error as UnsupportedError {
        return error.message
      } catch { return String(describing: error) }
    }
    profile.prefersQuantizedOps = true
    profile.prefersRecurrentOps = true
    profile.holdsState = true
    return profile
  }
}
