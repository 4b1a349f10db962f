import Testing

@testable import Examples

@Suite struct ExamplesTests {
  @Test(arguments: Examples.all.map(\.name)) func itRuns(_ name: String) throws {
    let example = try #require(Examples.all.first { $0.name == name })
    let figure = try example.run(2)
    #expect(figure.isFinite)
  }
}
