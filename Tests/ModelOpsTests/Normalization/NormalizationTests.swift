import ModelGraph
import ModelOps
import OpCases
import Testing

@Suite struct NormalizationTests {
  @Test(arguments: RecordedCase.all("Normalization"))
  func matchesRecorded(_ recorded: RecordedCase) throws {
    try recorded.check(try #require(NormalizationCases.ops.op(recorded.name)), tolerance: 1e-5)
  }
}
