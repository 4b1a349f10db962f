import ModelGraph
import ModelTensor

/// For targets without the search: labels that are kept are counted along each row.
extension GreedyPathOp: CompositeOp {
  public func decompose<C: OpContext>(_ inputs: [C.Value?], in context: inout C) throws -> [C.Value] {
    guard inputs.count == 2, let x = inputs[0], let lengths = inputs[1] else { throw GraphError(.wrongInputCount, "GreedyPath") }
    guard let dims = context.type(of: x).shape.dims, dims.count == 3, let classes = dims[2].value else {
      throw GraphError(.missingType, "GreedyPath over an unknown number of classes")
    }
    let labels = try context.transpose(try context.apply(ArgMaxOp(axis: 2, keepDims: false), x), [1, 0])
    let best = try context.transpose(try context.reduce(.max, x, axes: [2]), [1, 0])
    let zero = try context.scalar(0, dtype: .int64), one = try context.scalar(1, dtype: .int64)
    let steps = try context.apply(RangeOp(), zero, try context.squeeze(try context.dim(of: x, 0), [0]), one)
    let isWithin = try context.apply(LessOp(), steps, try context.unsqueeze(try context.cast(lengths, to: .int64), [1]))
    let blank = try context.scalar(Double(self.blank < 0 ? classes &+ self.blank : self.blank), dtype: .int64)
    var isKept = try context.apply(LogicalAndOp(), isWithin, try context.apply(NotEqualOp(), labels, blank))
    if mergesRepeated {
      let before = try context.pad(try context.slice(labels, axis: 1, start: 0, end: -1), before: [0, 1], after: [0, 0], value: -1)
      isKept = try context.apply(LogicalAndOp(), isKept, try context.apply(NotEqualOp(), labels, before))
    }
    let counts = try context.apply(CumSumOp(), try context.cast(isKept, to: .int64), one)
    let places = try context.transpose(try context.apply(NonZeroOp(), isKept), [1, 0])
    let columns = try context.sub(try context.apply(GatherNDOp(), counts, places), one)
    let rows = try context.slice(places, axis: 1, start: 0, end: 1)
    let width = try context.reshape(try context.reduce(.max, counts, axes: nil), [1])
    let sums = try context.reduce(
      .sum, try context.mul(best, try context.cast(isWithin, to: context.type(of: x).dtype)), axes: [1], keepDims: true)
    return [
      try context.concat([rows, try context.unsqueeze(columns, [1])], axis: 1), try context.apply(GatherNDOp(), labels, places),
      try context.concat([try context.dim(of: x, 1), width], axis: 0), try context.apply(NegOp(), sums),
    ]
  }
}
