import ModelGraph
import ModelOps
import OpCases
import Testing

@Suite struct ArrayTests {
  @Test(arguments: RecordedCase.all("Array"))
  func matchesRecorded(_ recorded: RecordedCase) throws {
    try recorded.check(try #require(ArrayCases.ops.op(recorded.name)))
  }
}
