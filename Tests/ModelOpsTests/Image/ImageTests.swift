import ModelGraph
import ModelOps
import OpCases
import Testing

@Suite struct ImageTests {
  @Test(arguments: RecordedCase.all("Image"))
  func matchesRecorded(_ recorded: RecordedCase) throws {
    // ONNX Runtime computes places and weights in single precision.
    try recorded.check(try #require(ImageCases.op(recorded.name)), tolerance: 1e-5)
  }
}
