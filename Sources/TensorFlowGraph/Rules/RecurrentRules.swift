import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// One step of a recurrent layer as one op (`tensorflow/core/kernels/rnn/`).
let recurrentRules: [NodeRule] = [
  .reads("LSTMBlockCell") { n, g in try n.lstmBlockCell(in: &g) },
  .reads("GRUBlockCell") { n, g in try n.gruBlockCell(in: &g) },
]

extension NodeReader {
  /// Gates stand in the order input, candidate, forget, output. Results: input gate, cell, forget gate, output gate, candidate,
  /// squashed cell, output.
  fileprivate func lstmBlockCell(in g: inout GraphContext) throws -> [ValueID] {
    let x = try input(0), cell = try input(1), state = try input(2)
    let sums = try g.add(try g.matmul(try g.concat([x, state], axis: 1), try input(3)), try input(7))
    let parts = try g.apply(SplitOp(axis: 1, count: 4), to: [sums])
    let hasPeepholes = try flag("use_peephole"), clip = try float("cell_clip")
    func peeped(_ sum: ValueID, _ cell: ValueID, _ weights: Int) throws -> ValueID {
      hasPeepholes ? try g.add(sum, try g.mul(cell, try input(weights))) : sum
    }
    let open = try g.apply(SigmoidOp(), try peeped(parts[0], cell, 4)), candidate = try g.apply(TanhOp(), parts[1])
    let bias = try g.scalar(try float("forget_bias"), like: sums)
    let kept = try g.apply(SigmoidOp(), try peeped(try g.add(parts[2], bias), cell, 5))
    var next = try g.add(try g.mul(candidate, open), try g.mul(cell, kept))
    if clip > 0 { next = try g.clip(next, min: -clip, max: clip) }
    let shown = try g.apply(SigmoidOp(), try peeped(parts[3], next, 6)), squashed = try g.apply(TanhOp(), next)
    return [open, next, kept, shown, candidate, squashed, try g.mul(squashed, shown)]
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
