import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// Attention is written as what it decomposes into.
let attentionWriting: [WritingRule] = []
let textWriting: [WritingRule] = [
  .writes(LabelEncoderOp.self) { op, x, w in
    // LiteRT's tables go from strings to int64 or back.
    let pair = (op.keys.dtype, op.values.dtype)
    guard pair == (.string, .int64) || pair == (.int64, .string) else {
      throw UnsupportedError("a table from \(pair.0) to \(pair.1)")
    }
    let keys = try x.required(0), type = try w.types(op, x)[0]
    let number = w.library.addTable(op.keys.reshaped([op.keys.count]), op.values.reshaped([op.values.count]))
    let table = try w.table(number, pair.0, pair.1), fallback = try w.constant(op.defaultValue.reshaped([1]))
    return [try w.emit(.hashtableFind, [table, keys, fallback], .hashtableFindOptions(HashtableFindOptions()), as: type)]
  }
]
let randomWriting: [WritingRule] = []
