import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// Recurrent ops as LiteRT's fused operator where that is exact, as loops elsewhere.
let recurrentWriting: [WritingRule] = [
  .writes(LSTMOp.self) { op, x, w in try op.stepwise(x.values, in: &w) },
  .writes(GRUOp.self) { op, x, w in try op.stepwise(x.values, in: &w) },
  .writes(RNNOp.self) { op, x, w in try op.stepwise(x.values, in: &w) },
]
