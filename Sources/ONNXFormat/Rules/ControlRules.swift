import GraphWriting
import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor
import ProtobufWire

let controlRules: [NodeRule] = [
  .rule(
    "If", IfOp.self,
    read: { n, g in
      let then = try n.required(try n.graph("then_branch"), "then_branch")
      let otherwise = try n.required(try n.graph("else_branch"), "else_branch")
      let (ids, captures) = try n.bodies(
        [.init(label: "then_branch", graph: then, formals: []), .init(label: "else_branch", graph: otherwise, formals: [])],
        in: &g)
      return try n.append(IfOp(), [try n.input(0)] + captures, bodies: ids, in: &g)
    },
    write: { op, x, w in
      let then = try w.body(0, formals: 0), otherwise = try w.body(1, formals: 0)
      return try w.emit(
        "If", [try x.required(0)], ["then_branch": .graph(then), "else_branch": .graph(otherwise)],
        types: then.output.map { $0.type?.type ?? TensorType(.float32, .unranked) })
    }),
  .rule(
    "Loop", LoopOp.self,
    read: { n, g in
      let body = try n.required(try n.graph("body"), "body")
      let carried = max(0, body.input.count - 2)
      guard body.input.count >= 2, body.output.count >= 1 + carried, n.inputs.count <= 2 + carried else {
        throw FormatError(
          .invalidStructure, "Loop with \(n.inputs.count) inputs, a body of \(body.input.count) inputs and \(body.output.count) outputs")
      }
      let initial = try (0..<carried).map { try n.input(2 + $0) }
      let (ids, captures) = try n.bodies(
        [
          .init(
            label: "body", graph: body,
            formals: [TensorType(.int64, []), TensorType(.bool, [])] + initial.map { looseType(g.type(of: $0)) })
        ], in: &g)
      let types = g.model.graphs[ids[0]]?.outputTypes ?? []
      let op = LoopOp(carriedCount: carried, scanTypes: Array(types.dropFirst(1 + carried)))
      return try n.append(op, [n[0], n[1]] + initial + captures, bodies: ids, in: &g)
    },
    write: { op, x, w in
      let body = try w.body(0, formals: 2 + op.carriedCount)
      let types = body.output.dropFirst().map { $0.type?.type ?? TensorType(.float32, .unranked) }
      return try w.emit("Loop", Array(x.values.prefix(2 + op.carriedCount)), ["body": .graph(body)], types: types)
    }),
  .rule(
    "Scan", ScanOp.self,
    read: { n, g in
      guard n.version >= 9 else { throw UnsupportedError("Scan of opset 8, which has a batch axis") }
      let body = try n.required(try n.graph("body"), "body")
      let scanned = try n.required(try n.int("num_scan_inputs"), "num_scan_inputs")
      let states = scanned < 1 || scanned > n.inputs.count ? -1 : n.inputs.count - scanned
      let results = body.output.count - states
      guard states >= 0, results >= 0, body.input.count == n.inputs.count else {
        throw FormatError(
          .invalidStructure,
          "Scan with \(n.inputs.count) inputs, \(scanned) of them scanned, a body of \(body.input.count) inputs and \(body.output.count) outputs"
        )
      }
      func list(_ name: String, _ count: Int) throws -> [Int] {
        let values = try n.ints(name) ?? []
        guard values.isEmpty || values.count == count else {
          throw FormatError(
            .invalidValue, "expected \(count) numbers, found \(values.count)", at: SourceLocation(path: ["attribute \(name)"]))
        }
        return values.filled(count, with: 0)
      }
      let inputAxes = try list("scan_input_axes", scanned), outputAxes = try list("scan_output_axes", results)
      let inputs = try n.inputs.indices.map { try n.input($0) }
      let formals = try inputs.enumerated().map { index, value -> TensorType in
        let type = g.type(of: value)
        guard index >= states else { return looseType(type) }
        guard var dims = type.shape.dims else { return type }
        let axis = try normalizeAxis(inputAxes[index - states], rank: dims.count)
        guard axis < dims.count else { throw FormatError(.invalidValue, "Scan of a scalar") }
        dims.remove(at: axis)
        return TensorType(type.dtype, .ranked(dims))
      }
      let (ids, captures) = try n.bodies([.init(label: "body", graph: body, formals: formals)], in: &g)
      let types = g.model.graphs[ids[0]]?.outputTypes ?? []
      let op = ScanOp(
        stateCount: states, inputAxes: inputAxes, inputsReversed: try list("scan_input_directions", scanned).map { $0 == 1 },
        outputAxes: outputAxes, outputsReversed: try list("scan_output_directions", results).map { $0 == 1 },
        scanTypes: Array(types.dropFirst(states)))
      return try n.append(op, inputs + captures, bodies: ids, in: &g)
    },
    write: { op, x, w in
      let formals = op.stateCount + op.inputAxes.count
      let body = try w.body(0, formals: formals)
      func directions(_ flags: [Bool]) -> WireAttribute? { flags.contains(true) ? .ints(flags.map { $0 ? 1 : 0 }) : nil }
      func axes(_ axes: [Int]) -> WireAttribute? { axes.contains { $0 != 0 } ? .ints(axes) : nil }
      let types = body.output.map { $0.type?.type ?? TensorType(.float32, .unranked) }
      return try w.emit(
        "Scan", Array(x.values.prefix(formals)),
        [
          "body": .graph(body), "num_scan_inputs": .int(op.inputAxes.count), "scan_input_axes": axes(op.inputAxes),
          "scan_input_directions": directions(op.inputsReversed), "scan_output_axes": axes(op.outputAxes),
          "scan_output_directions": directions(op.outputsReversed),
        ], types: types)
    }),
  .writes(CallOp.self) { op, x, w in try w.inline(0, try x.values.indices.map { try x.required($0) }) },
  .writes(WhileOp.self) { op, x, w in
    // Loop asks for the condition behind each turn, so it is computed before the first one and inside.
    let inputs = try x.values.indices.map { try x.required($0) }, captures = Array(inputs.dropFirst(op.stateCount))
    let first = try w.inline(0, inputs)
    guard let condition = first.first, let bodies = w.bodies else { throw GraphError(.invalidStructure, "While without a condition") }
    var inner = NodeWriter(
      opset: w.opset, rules: w.rules, names: NameTable(parent: w.names), nodeName: "\(w.nodeName)/body", bodies: bodies)
    func formal(_ name: String, _ type: TensorType) -> OutValue { OutValue(name: inner.names.unique(name), fact: Fact(type)) }
    let iteration = formal("iteration", TensorType(.int64, [])), goesOn = formal("condition", TensorType(.bool, []))
    let states = inputs.prefix(op.stateCount).map { formal("state", looseType($0.type)) }
    let next = try inner.inline(1, states + captures)
    let test = try inner.inline(0, next + captures)
    var results: [OutValue] = []
    for value in [test[0]] + next { results.append(try inner.emit("Identity", [value])) }
    var graph = GraphProto()
    graph.name = "\(w.nodeName)/body"
    (graph.node, graph.initializer) = (inner.nodes, inner.initializers)
    for index in graph.node.indices { graph.node[index].name = inner.names.unique("\(w.nodeName)/\(graph.node[index].opType ?? "")") }
    graph.input = ([iteration, goesOn] + states).map(\.info)
    graph.output = results.map(\.info)
    return try w.emit(
      "Loop", [nil, condition] + inputs.prefix(op.stateCount).map { Optional($0) }, ["body": .graph(graph)], types: next.map(\.type))
  },
  .writes(OpaqueOp.self) { op, x, w in
    guard op.format == "onnx", let payload = op.payload as? ONNXPayload else {
      throw UnsupportedError(op.reason ?? "an operation of \(op.format) without an ONNX counterpart")
    }
    let node = payload.node
    guard w.carries(payload) else {
      throw UnsupportedError(
        "carried from opset \(payload.version), in which it may mean something else than in \(w.opset)")
    }
    return w.emit(verbatim: node, Array(x.values.prefix(node.input.count)), types: op.resultTypes)
  },
]

/// A type without its extents, which may change from one iteration to the next.
private func looseType(_ type: TensorType) -> TensorType {
  TensorType(type.dtype, type.shape.dims.map { .ranked($0.map { _ in .unknown }) } ?? .unranked)
}

extension NodeReader {
  /// Appends an op with bodies.
  func append(_ op: any BodyOp, _ inputs: [ValueID?], bodies: [GraphID], in g: inout GraphContext) throws -> [ValueID] {
    let facts = inputs.map { $0.map { g.fact(of: $0) } }
    let types = try op.infer(facts, bodies: bodies.compactMap { g.model.graphs[$0] })
    let id = g.graph.append(
      op, inputs, types: types, name: g.namePrefix, bodies: bodies, scope: g.scope, origin: g.origin)
    return g.graph[id].outputs
  }
}

extension NodeWriter {
  /// Body `index` of the op as a graph with its `formals` first inputs; the others are names of the graphs around it.
  func body(_ index: Int, formals: Int) throws -> GraphProto {
    guard let bodies else { throw GraphError(.invalidStructure, "an op with bodies in a place without") }
    return try bodies.write(index, formals: formals)
  }

  /// The nodes of body `index` on these inputs, in the place of the op.
  fileprivate mutating func inline(_ index: Int, _ inputs: [OutValue]) throws -> [OutValue] {
    guard let bodies else { throw GraphError(.invalidStructure, "an op with bodies in a place without") }
    return splice(try bodies.inline(index, inputs, names: names))
  }

  /// Whether an operator that is carried verbatim means the same in what is written.
  mutating func carries(_ payload: ONNXPayload) -> Bool {
    let domain = normalizedDomain(payload.node.domain), source = payload.version
    guard domain.isEmpty else {
      use(domain: domain, version: source)
      return true
    }
    if source == opset { return true }
    // Sequences have not changed since they came.
    let steady: Set = [
      "SequenceAt", "SequenceConstruct", "SequenceEmpty", "SequenceErase", "SequenceInsert", "SequenceLength",
      "SequenceMap", "SplitToSequence", "ConcatFromSequence", "StringNormalizer", "TfIdfVectorizer",
    ]
    // These have only learned new element types since.
    let growing: Set = ["DeformConv", "ImageDecoder", "RegexFullMatch", "RotaryEmbedding", "TensorScatter", "MaxRoiPool"]
    let type = payload.node.opType ?? ""
    return steady.contains(type) || opset > source && growing.contains(type)
  }
}
