import ModelGraph
import ModelOps
import OpCases
import Testing

@Suite struct ComparisonTests {
  @Test(arguments: RecordedCase.all("Comparison"))
  func matchesRecorded(_ recorded: RecordedCase) throws {
    try recorded.check(try #require(ComparisonCases.ops.op(recorded.name)))
  }
}
