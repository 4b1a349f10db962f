import ModelTensor
import Testing

@testable import ModelVerify

/// Numbers that lie on the steps of a quantisation.
@Suite struct StepTests {
  private let step = 0.25

  private func compare(_ reference: [Float], _ candidate: [Float]) -> OutputStatistics {
    var statistics = OutputStatistics(name: "y")
    statistics.add(
      NDArray(reference, [reference.count]), NDArray(candidate, [candidate.count]), atol: 1e-5, rtol: 1e-4, step: step)
    return statistics
  }
  /// A hundred steps, of which some are moved.
  private func numbers(moved count: Int = 0, by distance: Float = 0) -> [Float] {
    (0..<100).map { Float($0) * Float(step) + ($0 < count ? distance : 0) }
  }

  @Test func fewMayLieAStepBeside() {
    let s = compare(numbers(), numbers(moved: 20, by: 0.25))
    #expect(s.beside == 20 && s.mismatched == 0 && s.isEquivalent)
  }

  @Test func noneMayLieTwoStepsBeside() {
    let s = compare(numbers(), numbers(moved: 1, by: 0.5))
    #expect(s.beside == 0 && s.mismatched == 1 && !s.isEquivalent)
  }

  /// A bias that is wrong by a step, and a scale that is wrong by two in a hundred.
  @Test func manyAreNoRounding() {
    #expect(!compare(numbers(), numbers(moved: 100, by: 0.25)).isEquivalent)
    #expect(!compare(numbers(), numbers().map { $0 * 1.02 }).isEquivalent)
  }

  /// In an output of a few numbers, a few say nothing of their share.
  @Test func smallOutputs() {
    #expect(compare([1, 2, 3, 4, 5], [1.25, 2.25, 3, 4, 5]).isEquivalent)
  }

  @Test func integersLikewise() {
    var s = OutputStatistics(name: "y")
    s.add(NDArray([1, 2, 3] as [Int8], [3]), NDArray([1, 3, 3] as [Int8], [3]), atol: 0, rtol: 0, step: 1)
    #expect(s.beside == 1 && s.isEquivalent)
    s.add(NDArray([1] as [Int8], [1]), NDArray([3] as [Int8], [1]), atol: 0, rtol: 0, step: 1)
    #expect(!s.isEquivalent)
  }
}
