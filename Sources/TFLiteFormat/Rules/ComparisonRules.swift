import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

let comparisonRules: [OperatorRule] = [
  .same(.equal, EqualOp()), .same(.notEqual, NotEqualOp()), .same(.greater, GreaterOp()), .same(.greaterEqual, GreaterOrEqualOp()),
  .same(.less, LessOp()), .same(.lessEqual, LessOrEqualOp()),
  .same(.logicalAnd, LogicalAndOp()), .same(.logicalOr, LogicalOrOp()), .same(.logicalNot, LogicalNotOp()),
  .moves(.select) { n, g in
    // A condition of rank 1 chooses whole rows.
    var condition = try n.input(0)
    let a = try n.input(1), rank = try n.rank(1, in: g)
    if g.type(of: condition).shape.rank == 1, rank > 1 {
      condition = try g.unsqueeze(condition, Array(1..<rank))
    }
    return [try g.select(condition, a, try n.input(2))]
  },
  .moves(.selectV2) { n, g in [try g.select(try n.input(0), try n.input(1), try n.input(2))] },
  .moves(.where) { n, g in
    // The places of what is not zero, a row each.
    [try g.transpose(try g.apply(NonZeroOp(), try n.input(0)), [1, 0])]
  },
]
