import ModelGraph
import ModelOps
import OpCases
import Testing

@Suite struct AttentionTests {
  @Test(arguments: RecordedCase.all("Attention"))
  func matchesRecorded(_ recorded: RecordedCase) throws {
    try recorded.check(try #require(AttentionCases.op(recorded)), tolerance: 1e-5)
  }
}
