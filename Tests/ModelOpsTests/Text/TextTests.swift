import ModelGraph
import ModelOps
import ModelTensor
import OpCases
import Testing

@Suite struct TextTests {
  @Test(arguments: RecordedCase.all("Text"))
  func matchesRecorded(_ recorded: RecordedCase) throws {
    try recorded.check(try #require(TextCases.op(recorded.name)))
  }

  @Test(arguments: ["(", ")", "a**", "[a", "\\1", "(?=a)", "a{2,1}", "*", "\\", "[b-a]", String(repeating: "(", count: 500)])
  func refusesPattern(_ pattern: String) {
    let x = NDArray(strings: [Array("a".utf8)], [1])
    #expect(throws: ExecutionError.self) {
      try RegexFullMatchOp(pattern: pattern).evaluate([x], in: ExecutionContext(primitives: ReferencePrimitives()))
    }
  }

  /// Exponential for a backtracking matcher.
  @Test func matchesInLinearTime() throws {
    let x = NDArray(strings: [Array(repeating: UInt8(ascii: "a"), count: 2000)], [1])
    let result = try RegexFullMatchOp(pattern: "(a*)*(a|a)*b").evaluate(
      [x], in: ExecutionContext(primitives: ReferencePrimitives()))
    #expect(result[0].values(Bool.self) == [false])
  }
}
