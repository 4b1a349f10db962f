import GraphWriting
import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// Canonical ops with bodies, and recurrent ones, written as TensorFlow's functional control flow.
let bodyRules: [NodeRule] = [
  .writes(IfOp.self) { _, x, w in
    let condition = try w.scalarCondition(try x.required(0)), captures = try x.rest(1)
    return try w.branch(condition) {
      try $0.inline(0, captures)
    } otherwise: {
      try $0.inline(1, captures)
    }
  },
  .writes(WhileOp.self) { op, x, w in try w.whileLoop(op, x) },
  .writes(LoopOp.self) { op, x, w in try w.countedLoop(op, x) },
  .writes(ScanOp.self) { op, x, w in try w.scanned(op, x) },
  .writes(LSTMOp.self) { op, x, w in try op.stepwise(x.values, in: &w) },
  .writes(GRUOp.self) { op, x, w in try op.stepwise(x.values, in: &w) },
  .writes(RNNOp.self) { op, x, w in try op.stepwise(x.values, in: &w) },
]
