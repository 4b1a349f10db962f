import ModelGraph
import ModelOps
import OpCases
import Testing

@Suite struct ActivationTests {
  @Test(arguments: RecordedCase.all("Activation"))
  func matchesRecorded(_ recorded: RecordedCase) throws {
    try recorded.check(try #require(ActivationCases.ops.op(recorded.name)))
  }
}
