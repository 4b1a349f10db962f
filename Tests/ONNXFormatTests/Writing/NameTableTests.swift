import Testing

@testable import ONNXFormat

@Suite struct NameTableTests {
  @Test func bodiesShareNamesButNotWithTheGraphAround() {
    let graph = NameTable()
    #expect(graph.unique("x") == "x")
    let first = NameTable(parent: graph), second = NameTable(parent: graph)
    #expect(first.unique("x") == "x_1")
    #expect(first.unique("state") == "state")
    #expect(second.unique("state") == "state")
    let inner = NameTable(parent: second)
    #expect(inner.unique("deep") == "deep")
    #expect(graph.unique("state") == "state_1")
    #expect(!graph.reserve("deep"))
    #expect(!second.reserve("deep"))
    #expect(first.unique("deep") == "deep")
  }
}
