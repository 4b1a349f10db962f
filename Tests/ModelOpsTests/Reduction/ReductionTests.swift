import ModelGraph
import ModelOps
import ModelTensor
import OpCases
import Testing

@Suite struct ReductionTests {
  @Test(arguments: RecordedCase.all("Reduction"))
  func matchesRecorded(_ recorded: RecordedCase) throws {
    try recorded.check(try #require(ReductionCases.op(recorded.name)), tolerance: 5e-6)
  }
}
