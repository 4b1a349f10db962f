import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// One step of a recurrent layer as one op (`tensorflow/core/kernels/rnn/`).
let recurrentRules: [NodeRule] = [
  .reads("LSTMBlockCell") { n, g in try n.lstmBlockCell(in: &g) },
  .reads("BlockLSTM") { n, g in try n.blockLSTM(in: &g) },
  .reads("BlockLSTMV2") { n, g in try n.blockLSTM(in: &g) },
  .reads("GRUBlockCell") { n, g in try n.gruBlockCell(in: &g) },
]

extension NodeReader {
  fileprivate func lstmBlockCell(in g: inout GraphContext) throws -> [ValueID] {
    let cell = BlockCell(
      hasPeepholes: try flag("use_peephole"), clip: try float("cell_clip"), forgetBias: try float("forget_bias"), candidateFirst: true)
    let weights = try (3..<8).map { try input($0) }
    return try cell.step(try input(0), try input(1), try input(2), weights, in: &g)
  }

  /// `LSTMBlockCell` over the time, `[T, B, I]`: the same seven results for each step. Behind `seq_len_max` the cell and the output are zeros, and
  /// the others, which TensorFlow leaves as its memory was, too. The second version has no bias of its own, and its gates stand otherwise.
  fileprivate func blockLSTM(in g: inout GraphContext) throws -> [ValueID] {
    let isFirst = type == "BlockLSTM"
    let cell = BlockCell(
      hasPeepholes: try flag("use_peephole"), clip: try float("cell_clip"), forgetBias: isFirst ? try float("forget_bias") : 0,
      candidateFirst: isFirst)
    let sequence = try input(1), zero = try g.constant(NDArray(scalar: Int64(0)))
    let length = try g.reshape(try g.cast(try input(0), to: .int64), [])
    guard let dims = g.type(of: sequence).shape.dims, dims.count == 3 else {
      throw UnsupportedError("\(type) of a sequence of unknown rank")
    }
    let states = [zero, try input(2), try input(3)], captures = [length] + (try (4..<9).map { try input($0) })
    var id = GraphID("\(node.name).scan"), number = 1
    while g.model.graphs[id] != nil {
      number += 1
      id = GraphID("\(node.name).scan#\(number)")
    }
    var body = GraphContext(g.model, graph: Graph(name: id.name))
    let names = ["time", "cell", "output"] + ["x"] + ["length", "w", "wci", "wcf", "wco", "b"]
    let slice = TensorType(g.type(of: sequence).dtype, .ranked(Array(dims.dropFirst())))
    let types = states.map { g.type(of: $0) } + [slice] + captures.map { g.type(of: $0) }
    let formals = zip(names, types).map { body.graph.addInput($0, $1) }
    let made = try cell.step(formals[3], formals[1], formals[2], Array(formals[5...]), in: &body)
    let isLive = try body.apply(LessOp(), formals[0], formals[4])
    let results = try made.map { try body.apply(WhereOp(), isLive, $0, try body.scalar(0, like: $0)) }
    let next = try body.add(formals[0], try body.constant(NDArray(scalar: Int64(1))))
    // A value is an output once.
    let after = [next, try body.apply(IdentityOp(), results[1]), try body.apply(IdentityOp(), results[6])]
    for (name, value) in zip(["time", "cell", "output"], after) { body.graph.addOutput(name, value) }
    for (index, value) in results.enumerated() { body.graph.addOutput("result_\(index)", value) }
    let scan = ScanOp(
      stateCount: 3, inputAxes: [0], inputsReversed: [false], outputAxes: results.map { _ in 0 },
      outputsReversed: results.map { _ in false },
      scanTypes: results.map { body.type(of: $0) })
    g.model = body.model
    g.model.graphs[id] = body.graph
    let inputs = states + [sequence] + captures
    let inferred = try scan.infer(inputs.map { g.fact(of: $0) }, bodies: [body.graph])
    let scanned = g.graph.append(scan, inputs, types: inferred, name: g.uniqueName("scan"), bodies: [id], scope: g.scope, origin: g.origin)
    return Array(g.graph[scanned].outputs[3...])
  }

  /// Results: reset gate, update gate, candidate, output.
  fileprivate func gruBlockCell(in g: inout GraphContext) throws -> [ValueID] {
    let x = try input(0), state = try input(1)
    let sums = try g.add(try g.matmul(try g.concat([x, state], axis: 1), try input(2)), try input(4))
    let gates = try g.apply(SplitOp(axis: 1, count: 2), to: [try g.apply(SigmoidOp(), sums)])
    let reset = try g.concat([x, try g.mul(state, gates[0])], axis: 1)
    let candidate = try g.apply(TanhOp(), try g.add(try g.matmul(reset, try input(3)), try input(5)))
    let fresh = try g.mul(try g.sub(try g.scalar(1, like: state), gates[1]), candidate)
    return [gates[0], gates[1], candidate, try g.add(try g.mul(gates[1], state), fresh)]
  }
}

/// One step of TensorFlow's fused LSTM.
private struct BlockCell {
  var hasPeepholes: Bool
  /// What the cell stays within; without bounds when it is not positive.
  var clip: Double
  var forgetBias: Double
  /// Whether gates stand in the order input, candidate, forget, output; else the forget gate comes second.
  var candidateFirst: Bool

  /// - Parameter weights: the matrix, the peepholes of the input, forget and output gates, the bias.
  /// - Returns: input gate, cell, forget gate, output gate, candidate, squashed cell, output.
  func step(_ x: ValueID, _ cell: ValueID, _ state: ValueID, _ weights: [ValueID], in g: inout GraphContext) throws -> [ValueID] {
    let sums = try g.add(try g.matmul(try g.concat([x, state], axis: 1), weights[0]), weights[4])
    let parts = try g.apply(SplitOp(axis: 1, count: 4), to: [sums])
    func peeped(_ sum: ValueID, _ cell: ValueID, _ peephole: ValueID) throws -> ValueID {
      hasPeepholes ? try g.add(sum, try g.mul(cell, peephole)) : sum
    }
    let open = try g.apply(SigmoidOp(), try peeped(parts[0], cell, weights[1]))
    let candidate = try g.apply(TanhOp(), parts[candidateFirst ? 1 : 2])
    var forget = parts[candidateFirst ? 2 : 1]
    if forgetBias != 0 { forget = try g.add(forget, try g.scalar(forgetBias, like: sums)) }
    let kept = try g.apply(SigmoidOp(), try peeped(forget, cell, weights[2]))
    var next = try g.add(try g.mul(candidate, open), try g.mul(cell, kept))
    if clip > 0 { next = try g.clip(next, min: -clip, max: clip) }
    let shown = try g.apply(SigmoidOp(), try peeped(parts[3], next, weights[3])), squashed = try g.apply(TanhOp(), next)
    return [open, next, kept, shown, candidate, squashed, try g.mul(squashed, shown)]
  }
}
