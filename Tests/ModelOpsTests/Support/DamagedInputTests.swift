import Foundation
import ModelGraph
import ModelOps
import ModelTensor
import OpCases
import Testing

/// Inputs that no sound model has: what a damaged file may hand to an op. Each op refuses them or computes something; none traps.
@Suite struct DamagedInputTests {
  @Test(arguments: OpCases.families)
  func endsWithoutATrap(_ family: String) throws {
    var refused = 0, computed = 0, seen: [String: Int] = [:]
    for recorded in RecordedCase.all(family) {
      guard let op = OpCases.op(recorded) else { continue }
      // Many cases differ in their numbers alone.
      seen[op.displayName, default: 0] += 1
      guard seen[op.displayName, default: 0] <= 2 else { continue }
      for index in recorded.inputs.indices {
        guard let input = recorded.inputs[index] else { continue }
        for damaged in try Self.damaged(input) {
          var inputs = recorded.inputs
          inputs[index] = damaged
          do {
            _ = try Self.evaluate(op, inputs)
            computed += 1
          } catch { refused += 1 }
        }
      }
    }
    #expect(refused > 0 && computed > 0)
  }

  /// The first axis of a scalar, which a file may name.
  @Test func scalarsHaveNoAxes() throws {
    let x = NDArray([Float(0.5)], [])
    for kind in [ReductionKind.sum, .max, .l2, .logSumExp, .sumSquare] {
      let reduced = try Self.evaluate(ReduceOp(kind, axes: [0]), [x])
      #expect(reduced.map(\.shape) == [[]])
    }
    let truth = NDArray([true], [])
    #expect(try Self.evaluate(ReduceOp(.any, axes: [0], keepDims: false), [truth])[0].values(Bool.self) == [true])
    let one = NDArray([Float(1)], [1])
    #expect(throws: GraphError.self) { try Self.evaluate(InstanceNormalizationOp(axis: 0), [x, one, one]) }
  }

  /// Elements that are known while types are inferred.
  @Test func noElementsBesideOne() {
    let none = Fact(TensorType(.int64, [0]), constant: Tensor(NDArray([Int64](), [0])))
    let one = Fact(TensorType(.int64, [1]), constant: Tensor(NDArray([Int64(3)], [1])))
    for inputs in [[none, one], [one, none]] { #expect(AddOp().inferElements(inputs).map { $0?.count } == [0]) }
  }

  /// As a run does where the file leaves shapes open: types are inferred first, and what they refuse is not evaluated.
  private static func evaluate(_ op: any Op, _ inputs: [NDArray?]) throws -> [NDArray] {
    do {
      _ = try op.infer(inputs.map { $0.map { Fact(TensorType($0.dtype, .unranked)) } })
    } catch let error as GraphError where error.code == .missingType {}
    let limit = 1 << 18
    func check(_ dtype: DType, _ shape: [Int]) throws {
      guard let count = checkedProduct(shape), count <= limit / (dtype.arrayStride ?? 32) else {
        throw ExecutionError(.limitExceeded, "\(shape)")
      }
    }
    var context = EagerContext(
      ExecutionContext(primitives: ReferencePrimitives(), checker: check) {
        try check($0, $1)
        return try ExecutionContext.allocateChecked($0, $1)
      })
    return try context.apply(op, to: inputs)
  }

  /// Other types, other shapes, other numbers.
  private static func damaged(_ input: NDArray) throws -> [NDArray] {
    var result: [NDArray] = []
    for dtype: DType in [.bool, .int8, .uint8, .int32, .int64, .float16, .float32, .float64, .complex64, .string] where dtype != input.dtype
    {
      result.append(NDArray(zeros: dtype, input.shape))
    }
    var shapes: [[Int]] = [[], [0], [1] + input.shape, input.shape + [1], Array(input.shape.dropFirst()), Array(repeating: 1, count: 9)]
    for axis in input.shape.indices {
      for extent in [0, 1, input.shape[axis] + 1, input.shape[axis] - 1] where extent >= 0 {
        var shape = input.shape
        shape[axis] = extent
        shapes.append(shape)
      }
    }
    for shape in shapes where shape != input.shape { result.append(NDArray(zeros: input.dtype, shape)) }
    guard let numbers = input.integers(), input.dtype.isInteger, !numbers.isEmpty else { return result }
    for value in [0, -1, 7, Int(Int32.max), Int(Int32.min), Int.max, Int.min] {
      let whole = NDArray(Array(repeating: Int64(value), count: numbers.count), input.shape)
      result.append(try RecordedCase.cast(whole, to: input.dtype))
      for place in Set([0, numbers.count - 1]) {
        var one = numbers.map { Int64($0) }
        one[place] = Int64(value)
        result.append(try RecordedCase.cast(NDArray(one, input.shape), to: input.dtype))
      }
    }
    return result
  }
}
