import Testing

@testable import Examples

@Suite struct ExamplesTests {
  /// Each learns what it is meant to: a share of right answers near 1, or a loss near 0.
  @Test(arguments: Examples.all.map(\.name)) func itLearns(_ name: String) throws {
    let example = try #require(Examples.all.first { $0.name == name })
    let figure = try example.run(20)
    #expect(name == "loop" ? figure < 1e-3 : figure > 0.95 && figure <= 1.00001, "\(name): \(figure)")
  }
}
