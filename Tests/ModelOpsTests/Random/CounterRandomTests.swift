import ModelGraph
import ModelOps
import ModelTensor
import Testing

/// What TensorFlow 2.21 draws from the seeds 17 and -4.
@Suite struct CounterRandomTests {
  private func run(_ op: CounterRandomOp, bounds: [NDArray] = []) throws -> NDArray {
    let context = ExecutionContext(primitives: ReferencePrimitives())
    let key = try RandomKeyOp().evaluate([NDArray([17, -4] as [Int64], [2])], in: context)
    return try op.evaluate([NDArray([5] as [Int64], [1]), key[0], key[1]] + bounds, in: context)[0]
  }
  private func close(_ a: [Double], _ b: [Double]) -> Bool { a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) < 1e-6 } }

  @Test func floats() throws {
    let uniform = try run(CounterRandomOp(.uniform, dtype: .float32)).doubles()
    #expect(close(uniform, [0.2822657823562622, 0.6377792358398438, 0.7664484977722168, 0.023043513298034668, 0.5266953706741333]))
    let normal = try run(CounterRandomOp(.normal, dtype: .float32)).doubles()
    #expect(close(normal, [-1.2112653255462646, -1.030848503112793, 0.10523398220539093, 0.7217349410057068, 0.12023559212684631]))
    let truncated = try run(CounterRandomOp(.truncatedNormal, dtype: .float32)).doubles()
    #expect(close(truncated, [-1.2112653255462646, -1.030848503112793, 0.10523398220539093, 0.7217349410057068, 0.5216266512870789]))
  }
  @Test func doubles() throws {
    let uniform = try run(CounterRandomOp(.uniform, dtype: .float64)).doubles()
    #expect(close(uniform, [0.25812697901908166, 0.13158857267916857, 0.2135630556998196, 0.5247224381583824, 0.08375353524704998]))
    let normal = try run(CounterRandomOp(.normal, dtype: .float64)).doubles()
    #expect(close(normal, [1.210910569379504, 1.1145864209443088, -0.27185479980641325, -1.7360130362260437, 0.4106124379447843]))
    let truncated = try run(CounterRandomOp(.truncatedNormal, dtype: .float64)).doubles()
    #expect(close(truncated, [1.210910569379504, 1.1145864209443088, -0.08776151132661822, -0.31459608932639194, -0.6934047208861976]))
  }
  @Test func integers() throws {
    let bounds = [NDArray(scalar: Int64(-2)), NDArray(scalar: Int64(1000))]
    #expect(try run(CounterRandomOp(.integers, dtype: .int64), bounds: bounds).values(Int64.self) == [707, 996, 179, 325, 359])
    #expect(
      try run(CounterRandomOp(.bits, dtype: .int32)).values(Int32.self) == [
        1_822_695_753, -1_051_614_528, 1_449_270_012, -1_635_585_257, 63_138_497,
      ])
    #expect(throws: ExecutionError.self) { try run(CounterRandomOp(.integers, dtype: .int64), bounds: bounds.reversed()) }
  }
}
