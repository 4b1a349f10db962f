import ModelGraph
import ModelOps
import OpCases
import Testing

@Suite struct LinearTests {
  @Test(arguments: RecordedCase.all("Linear"))
  func matchesRecorded(_ recorded: RecordedCase) throws {
    // Sums in another order; the reference's own DFT works in single precision.
    try recorded.check(try #require(LinearCases.op(recorded.name)), tolerance: 1e-5)
  }
}
