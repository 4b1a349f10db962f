import ModelGraph
import ModelOps
import ModelTensor

/// Puts a border that never wins into the maximum it was made for, as TFLite files have it where PyTorch pads:
///
///     x ── Pad(lowest number) ── MaxPool      becomes      x ── MaxPool(padding)
///
/// 1. The lowest finite number is no less than all, but only a window of nothing else could tell: each has an element of `x`.
/// 2. Left alone: borders of batches or channels, of zeros, as wide as the window, and windows with padding of their own.
struct RecognizePaddedPooling: Pass {
  let name = "recognize-padded-pooling"

  func run(_ model: inout Model) throws {
    try model.replaceNodes(stamp: name) { node, context in
      guard var op = node.op as? PoolOp, op.kind == .max, op.padding == .valid, !op.ceilMode, op.dilations.allSatisfy({ $0 == 1 }),
        let padded = node.input(0), let border = context.graph.producer(of: padded).map({ context.graph[$0] }),
        (border.op as? PadOp)?.mode == .constant, border.input(3) == nil, let x = border.input(0), let amounts = border.input(1),
        let value = border.input(2), let pads = context.fact(of: amounts).integers,
        let lowest = try context.fact(of: value).constant?.array().doubles().first, context.graph[x].type.dtype == .float32,
        lowest <= -Double(Float.greatestFiniteMagnitude)
      else { return nil }
      let rank = op.kernel.count + 2
      guard pads.count == 2 * rank, pads.allSatisfy({ $0 >= 0 }) else { return nil }
      let spatial = op.layout.spatialAxes(rank: rank), others = (0..<rank).filter { !spatial.contains($0) }
      let before = spatial.map { pads[$0] }, after = spatial.map { pads[rank + $0] }
      guard others.allSatisfy({ pads[$0] == 0 && pads[rank + $0] == 0 }),
        zip(op.kernel, zip(before, after)).allSatisfy({ $0 > $1.0 && $0 > $1.1 })
      else { return nil }
      op.padding = .explicit(before: before, after: after)
      return [try context.apply(op, x)]
    }
  }
}
