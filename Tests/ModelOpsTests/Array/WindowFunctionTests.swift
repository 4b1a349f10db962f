import ModelGraph
import ModelOps
import OpCases
import Testing

@Suite struct WindowFunctionTests {
  @Test(arguments: RecordedCase.all("Windows"))
  func matchesRecorded(_ recorded: RecordedCase) throws {
    try recorded.check(try #require(WindowsCases.ops.op(recorded.name)))
  }
}
