import ModelGraph
import ModelOps
import ModelTensor
import OpCases
import Testing

@Suite struct QuantizationTests {
  @Test(arguments: RecordedCase.all("Quantization"))
  func matchesRecorded(_ recorded: RecordedCase) throws {
    try recorded.check(try #require(QuantizationCases.op(recorded)))
  }
}
