import ModelGraph
import ModelOps
import ModelTensor
import Testing

/// Draws can't be compared with a framework's; their distribution and their repeatability can be tested.
@Suite struct RandomTests {
  private func run(_ op: any PrimitiveOp, _ input: NDArray, seed: UInt64 = 7) throws -> NDArray {
    try op.evaluate([input], in: ExecutionContext(primitives: ReferencePrimitives(), seed: seed))[0]
  }
  private let shape = NDArray([100, 400] as [Int64], [2])

  @Test func normalHasItsMoments() throws {
    let values = try run(RandomNormalOp(mean: 3, scale: 2), shape).doubles().map { ($0 - 3) / 2 }
    let n = Double(values.count)
    // Four standard errors of each moment's estimate.
    #expect(abs(values.reduce(0, +) / n) < 4 / n.squareRoot())
    #expect(abs(values.reduce(0) { $0 + $1 * $1 } / n - 1) < 4 * (2 / n).squareRoot())
    #expect(abs(values.reduce(0) { $0 + $1 * $1 * $1 } / n) < 4 * (15 / n).squareRoot())
  }
  @Test func uniformFillsItsRange() throws {
    let values = try run(RandomUniformOp(low: -2, high: 6), shape).doubles()
    var counts = [Double](repeating: 0, count: 16)
    for value in values {
      #expect(value >= -2 && value <= 6)
      counts[max(0, min(15, Int((value + 2) * 2)))] += 1
    }
    let expected = Double(values.count) / 16
    // The 99.99 % quantile of chi² with 15 degrees of freedom.
    #expect(counts.reduce(0) { $0 + ($1 - expected) * ($1 - expected) / expected } < 44.3)
  }
  @Test func seedsRepeat() throws {
    let a = try run(RandomUniformOp(seed: 5), shape, seed: 1), b = try run(RandomUniformOp(seed: 5), shape, seed: 2)
    #expect(a.doubles() == b.doubles())
    #expect(try run(RandomUniformOp(seed: 6), shape).doubles() != a.doubles())
    let context = ExecutionContext(primitives: ReferencePrimitives(), seed: 3)
    let first = try RandomUniformOp().evaluate([shape], in: context)[0]
    #expect(try RandomUniformOp().evaluate([shape], in: context)[0].doubles() != first.doubles())
  }
  @Test func bernoulliAndMultinomialFollowTheirProbabilities() throws {
    let p = NDArray([Float](repeating: 0.3, count: 40_000), [40_000])
    #expect(abs(try run(BernoulliOp(), p).doubles().reduce(0, +) / 40_000 - 0.3) < 4 * (0.21 / 40_000 as Double).squareRoot())
    let drawn = try run(MultinomialOp(sampleCount: 40_000), NDArray([0, 1, Float(-Double.infinity)], [1, 3]))
    let ones = Double(drawn.integers()?.filter { $0 == 1 }.count ?? 0) / 40_000
    #expect(abs(ones - 0.7310585786) < 4 * (0.1966 / 40_000 as Double).squareRoot())
    #expect(drawn.integers()?.contains(2) == false)
  }
  @Test func refusesWhatIsNoShape() {
    #expect(throws: ExecutionError.self) { try run(RandomNormalOp(), NDArray([-1, 4] as [Int64], [2])) }
    #expect(throws: ExecutionError.self) { try run(RandomNormalOp(), NDArray([Int64.max, 4], [2])) }
  }
}
