import ModelGraph
import ModelOps
import Testing

@Suite struct ComparisonTests {
  static let ops: [String: any Op] = [
    "Equal": EqualOp(), "NotEqual": NotEqualOp(), "Less": LessOp(), "LessOrEqual": LessOrEqualOp(),
    "Greater": GreaterOp(), "GreaterOrEqual": GreaterOrEqualOp(), "LogicalAnd": LogicalAndOp(),
    "LogicalOr": LogicalOrOp(), "LogicalXor": LogicalXorOp(), "LogicalNot": LogicalNotOp(), "IsNaN": IsNaNOp(),
    "IsInf": IsInfOp(), "IsInf/negative": IsInfOp(detectPositive: false), "Where": WhereOp(),
  ]
  @Test(arguments: RecordedCase.all("Comparison"))
  func matchesRecorded(_ recorded: RecordedCase) throws {
    try recorded.check(try #require(Self.ops.op(recorded.name)))
  }
}
