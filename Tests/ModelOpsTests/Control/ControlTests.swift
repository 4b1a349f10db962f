import ModelGraph
import ModelOps
import ModelTensor
import Testing

/// The bodies are Swift closures here; graphs as bodies are the executor's tests.
@Suite struct ControlTests {
  private func context(_ run: @escaping (Int, [NDArray]) throws -> [NDArray]) -> ExecutionContext {
    let context = ExecutionContext(primitives: ReferencePrimitives())
    context.runBody = run
    return context
  }
  private func int(_ value: Int64) -> NDArray { NDArray(scalar: value) }
  private func value(_ array: NDArray) -> Int { array.integers()?.first ?? .min }

  @Test func loopCarriesAndCollects() throws {
    let op = LoopOp(carriedCount: 1, scanTypes: [TensorType(.int64, [])])
    let results = try op.evaluate(
      [int(5), NDArray(scalar: true), int(1), int(10)], bodies: 1,
      in: context { _, inputs in
        let next = self.value(inputs[2]) * 2 + self.value(inputs[0])
        return [NDArray(scalar: next < 30), self.int(Int64(next)), self.int(Int64(next + self.value(inputs[3])))]
      })
    // 1 → 2, 5, 12, 27, 58: the condition fails after the fifth.
    #expect(results[0].integers() == [58])
    #expect(results[1].integers() == [12, 15, 22, 37, 68])
  }

  @Test func loopThatDoesNotRunHasTypedResults() throws {
    let op = LoopOp(carriedCount: 1, scanTypes: [TensorType(.float64, [3])])
    let results = try op.evaluate([int(0), nil, int(4)], bodies: 1, in: context { _, _ in [] })
    #expect(results[0].integers() == [4])
    #expect(results[1].type == TensorType(.float64, [0, 3]))
  }

  @Test func whileEndsOnItsCondition() throws {
    let results = try WhileOp(stateCount: 2).evaluate(
      [int(0), int(1), int(100)], bodies: 2,
      in: context { body, inputs in
        body == 0
          ? [NDArray(scalar: self.value(inputs[1]) < self.value(inputs[2]))]
          : [self.int(Int64(self.value(inputs[0]) + 1)), self.int(Int64(self.value(inputs[1]) * 3))]
      })
    #expect(results.map(value) == [5, 243])
  }

  @Test func ifTakesOneBranch() throws {
    for flag in [true, false] {
      let results = try IfOp().evaluate(
        [NDArray(scalar: flag), int(7)], bodies: 2,
        in: context { body, inputs in [self.int(Int64(body * 100 + self.value(inputs[0])))] })
      #expect(results.map(value) == [flag ? 7 : 107])
    }
  }

  @Test func scanReadsBackwardsAndWritesAlongAnAxis() throws {
    let x = NDArray([1, 2, 3, 4, 5, 6] as [Int64], [2, 3])
    let op = ScanOp(
      stateCount: 1, inputAxes: [1], inputsReversed: [true], outputAxes: [1], outputsReversed: [false],
      scanTypes: [TensorType(.int64, [2])])
    let results = try op.evaluate(
      [NDArray([0, 0] as [Int64], [2]), x], bodies: 1,
      in: context { _, inputs in
        let sum = try AddOp().evaluate([inputs[0], inputs[1]], in: ExecutionContext(primitives: ReferencePrimitives()))
        return [sum[0], sum[0]]
      })
    #expect(results[0].integers() == [6, 15])
    #expect(results[1].shape == [2, 3])
    #expect(results[1].integers() == [3, 5, 6, 6, 11, 15])
  }

  @Test func bodiesMustFit() {
    #expect(throws: GraphError.self) { try CallOp().infer([], bodies: []) }
    #expect(throws: ExecutionError.self) {
      try IfOp().evaluate([NDArray([true, false], [2])], bodies: 2, in: context { _, _ in [] })
    }
  }
}
