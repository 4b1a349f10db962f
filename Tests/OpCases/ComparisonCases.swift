import ModelGraph
import ModelOps
import ModelTensor

/// The ops of `fixtures/ops/Comparison.json`.
public enum ComparisonCases {
  public static let ops: [String: any Op] = [
    "Equal": EqualOp(), "NotEqual": NotEqualOp(), "Less": LessOp(), "LessOrEqual": LessOrEqualOp(),
    "Greater": GreaterOp(), "GreaterOrEqual": GreaterOrEqualOp(), "LogicalAnd": LogicalAndOp(),
    "LogicalOr": LogicalOrOp(), "LogicalXor": LogicalXorOp(), "LogicalNot": LogicalNotOp(), "IsNaN": IsNaNOp(),
    "IsInf": IsInfOp(), "IsInf/negative": IsInfOp(detectPositive: false), "Where": WhereOp(),
  ]
  public static func op(_ recorded: RecordedCase) -> (any Op)? { ops.op(recorded.name) }
}
