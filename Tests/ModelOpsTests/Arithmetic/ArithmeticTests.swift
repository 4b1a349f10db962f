import ModelGraph
import ModelOps
import OpCases
import Testing

@Suite struct ArithmeticTests {
  @Test(arguments: RecordedCase.all("Arithmetic"))
  func matchesRecorded(_ recorded: RecordedCase) throws {
    let op = try #require(ArithmeticCases.unary.op(recorded.name) ?? ArithmeticCases.binary.op(recorded.name))
    try recorded.check(op, tolerance: ArithmeticCases.tolerances[recorded.name] ?? 2e-6)
  }
}
