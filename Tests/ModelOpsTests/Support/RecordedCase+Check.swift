import ModelGraph
import ModelOps
import ModelTensor
import OpCases
import Testing

extension RecordedCase {
  /// Applies `op` to the inputs and compares every result: exactly, but floats within `tolerance`, relative
  /// and absolute. The inferred types must be those of the results.
  func check(_ op: any Op, tolerance: Double = 2e-6) throws {
    var context = EagerContext(ExecutionContext(primitives: ReferencePrimitives()))
    let results = try context.apply(op, to: inputs)
    try #require(results.count == outputs.count)
    let types = try op.infer(inputs.map { $0.map { Fact($0.type, constant: Tensor($0)) } })
    // With nothing but ranks known, inference must not claim what does not hold. It may say that it needs more.
    var vague = [TensorType](repeating: TensorType(.float32, .unranked), count: results.count)
    do {
      vague = try op.infer(
        inputs.map { $0.map { Fact(TensorType($0.dtype, .ranked($0.shape.map { _ in .unknown }))) } })
    } catch let error as GraphError where error.code == .missingType {}
    for (index, (result, expected)) in zip(results, outputs).enumerated() {
      #expect(result.dtype == expected.dtype)
      #expect(result.shape == expected.shape)
      #expect(types[index].dtype == result.dtype)
      #expect(Self.fits(result.shape, types[index].shape), "inferred \(types[index]) for \(result.type)")
      #expect(Self.fits(result.shape, vague[index].shape), "inferred \(vague[index]) for \(result.type) from ranks")
      guard result.dtype == expected.dtype, result.shape == expected.shape else { continue }
      if result.dtype == .string {
        #expect(result.strings == expected.strings)
      } else if let whole = result.integers() {
        #expect(whole == expected.integers())
      } else {
        for (i, (a, b)) in zip(result.doubles(), expected.doubles()).enumerated() where !Self.close(a, b, tolerance) {
          Issue.record("result \(index), element \(i) is \(a), expected \(b)")
          break
        }
      }
    }
  }

  private static func fits(_ shape: [Int], _ inferred: Shape) -> Bool {
    guard let dims = inferred.dims else { return true }
    return dims.count == shape.count && zip(dims, shape).allSatisfy { $0.value == nil || $0.value == $1 }
  }

  private static func close(_ a: Double, _ b: Double, _ tolerance: Double) -> Bool {
    if a.isNaN || b.isNaN { return a.isNaN && b.isNaN }
    if a.isInfinite || b.isInfinite { return a == b }
    return abs(a - b) <= tolerance * (1 + abs(b))
  }
}
