import ModelGraph
import ModelOps
import OpCases
import Testing

@Suite struct RecurrentTests {
  @Test(arguments: RecordedCase.all("Recurrent"))
  func matchesRecorded(_ recorded: RecordedCase) throws {
    try recorded.check(try #require(RecurrentCases.op(recorded)), tolerance: 1e-5)
  }
}
