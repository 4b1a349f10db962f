import ModelTensor
import Testing

@testable import ModelVerify

@Suite struct OutputStatisticsTests {
  private func compare(_ a: NDArray, _ b: NDArray) -> OutputStatistics {
    var statistics = OutputStatistics(name: "y")
    statistics.add(a, b, atol: 1e-5, rtol: 1e-4)
    return statistics
  }

  @Test func countsWhatDiffers() {
    let s = compare(NDArray([1, 2, 0, 100] as [Float], [4]), NDArray([1, 2.1, 0, 100.005] as [Float], [4]))
    #expect(s.elements == 4 && s.mismatched == 1)
    #expect(abs(s.maxAbsolute - 0.1) < 1e-6 && abs(s.maxRelative - 0.05) < 1e-6)
    #expect(abs(s.meanAbsolute - 0.105 / 4) < 1e-5)
    #expect(!s.isEquivalent)
  }

  @Test func knowsNaNAndInfinity() {
    let odd = [.nan, .infinity, -.infinity, 1] as [Float]
    #expect(compare(NDArray(odd, [4]), NDArray(odd, [4])).isEquivalent)
    let s = compare(NDArray(odd, [4]), NDArray([1, -.infinity, 0, .nan] as [Float], [4]))
    #expect(s.mismatched == 4 && s.maxAbsolute == 0)
  }

  @Test func integersAreExact() {
    #expect(compare(NDArray([100_000] as [Int32], [1]), NDArray([100_001] as [Int32], [1])).mismatched == 1)
    let large: Int64 = 1 << 60
    #expect(compare(NDArray([large], [1]), NDArray([large + 1], [1])).mismatched == 1)
    #expect(compare(NDArray([7] as [Int32], [1]), NDArray([7] as [Int64], [1])).isEquivalent)
  }

  @Test func halvesMayDifferInTheirLastPlace() {
    let a = NDArray([1] as [Float16], [1]), b = NDArray([Float16(1).nextUp] as [Float16], [1])
    #expect(compare(a, b).isEquivalent)
    #expect(!compare(a, NDArray([1.01] as [Float16], [1])).isEquivalent)
  }

  @Test func shapesMustAgree() {
    let s = compare(NDArray([1, 2] as [Float], [2]), NDArray([1, 2, 3] as [Float], [3]))
    #expect(s.problem == "the reference gives float32[2], the candidate float32[3]" && !s.isEquivalent)
  }

  @Test func stringsAreComparedAsBytes() {
    let a = NDArray(strings: [[1], [2]], [2]), b = NDArray(strings: [[1], [3]], [2])
    #expect(compare(a, b).mismatched == 1)
  }

  @Test func cosineOfNothing() {
    let zero = NDArray([0, 0] as [Float], [2]), one = NDArray([1, 0] as [Float], [2])
    #expect(compare(zero, zero).cosine == 1)
    #expect(compare(zero, one).cosine == nil)
  }
}
