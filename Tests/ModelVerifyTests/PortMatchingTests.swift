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

  @Test func leavesOpenWhatCanNotBeTold() {
    #expect(PortMatching.match(["a", "b"], ["a"]) == [0, nil])
    #expect(PortMatching.match(["a"], ["x", "y"]) == [nil])
    #expect(PortMatching.match([], ["x"]) == [])
  }
}
