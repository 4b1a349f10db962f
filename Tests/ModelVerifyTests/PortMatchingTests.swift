import Testing

@testable import ModelVerify

@Suite struct PortMatchingTests {
  @Test func namesFirstThenOrder() {
    #expect(PortMatching.match(["a", "b"], ["b", "a"]) == [1, 0])
    #expect(PortMatching.match(["a", "b"], ["b", "x"]) == [1, 0])
    #expect(PortMatching.match(["x", "y"], ["p", "q"]) == [0, 1])
    #expect(PortMatching.match(["x:0", "serving_default_y"], ["y", "x"]) == [1, 0])
    #expect(PortMatching.match(["model/dense/Softmax:0"], ["Softmax"]) == [0])
  }

  @Test func equalNamesGoInOrder() {
    #expect(PortMatching.match(["a", "a"], ["a", "a"]) == [0, 1])
    #expect(PortMatching.match(["p/x", "q/x"], ["x", "x"]) == [0, 1])
    #expect(PortMatching.match(["x", "m/x"], ["n/x", "x"]) == [1, 0])
  }

  /// Linear: a quadratic search takes minutes here.
  @Test(.timeLimit(.minutes(1))) func matchesManyNames() {
    let names = (0..<200_000).map { "layer_\($0)" }
    #expect(PortMatching.match(names, names.reversed()) == names.indices.reversed().map { $0 })
    #expect(PortMatching.match(names.map { "model/\($0):0" }, names) == names.indices.map { $0 })
  }

  @Test func leavesOpenWhatCanNotBeTold() {
    #expect(PortMatching.match(["a", "b"], ["a"]) == [0, nil])
    #expect(PortMatching.match(["a"], ["x", "y"]) == [nil])
    #expect(PortMatching.match([], ["x"]) == [])
  }
}
