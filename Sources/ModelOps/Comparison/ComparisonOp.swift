import ModelGraph
import ModelTensor

/// Compares two tensors of one dtype.
public protocol ComparisonOp: BinaryElementwiseOp, PreparedOp {
  func apply<T: Comparable>(_ a: T, _ b: T) -> Bool
}

extension ComparisonOp {
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] { try inferBroadcast(inputs, dtype: .bool) }

  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext, memo: KernelMemo?, into results: inout [NDArray]) throws {
    let (a, b) = try operands(inputs)
    let remembered = RememberedInputs(memo, inputs)
    switch a.dtype {
    case .float32: results.append(try compare(a, b, Float.self, in: context, remembered))
    case .float64: results.append(try compare(a, b, Double.self, in: context, remembered))
    case .float16, .bfloat16:
      results.append(
        try compare(try a.cast(to: .float32, in: context), try b.cast(to: .float32, in: context), Float.self, in: context, remembered))
    case .uint64: results.append(try compare(a, b, UInt64.self, in: context, remembered))
    case .string: results.append(try compareStrings(a, b, in: context))
    default:
      // Casts keep the shapes, which are all that is remembered.
      results.append(
        try compare(try a.cast(to: .int64, in: context), try b.cast(to: .int64, in: context), Int64.self, in: context, remembered))
    }
  }

  private func compare<T: Comparable>(
    _ a: NDArray, _ b: NDArray, _: T.Type, in context: ExecutionContext, _ remembered: RememberedInputs?
  ) throws -> NDArray {
    try broadcastMap(a, b, T.self, to: .bool, UInt8.self, in: context, remembered: remembered) { apply($0, $1) ? 1 : 0 }
  }

  private func compareStrings(_ a: NDArray, _ b: NDArray, in context: ExecutionContext) throws -> NDArray {
    let walk = try BroadcastWalk([a.shape, b.shape])
    let result = try context.allocate(.bool, walk.shape)
    let x = a.strings, y = b.strings
    let stepA = walk.steps[0].last ?? 0, stepB = walk.steps[1].last ?? 0
    result.withMutable(UInt8.self) { z in
      walk.forEachRun { place, offsets, length in
        for i in 0..<length {
          let left = String(decoding: x[offsets[0] + i * stepA], as: UTF8.self)
          let right = String(decoding: y[offsets[1] + i * stepB], as: UTF8.self)
          z[place + i] = apply(left, right) ? 1 : 0
        }
      }
    }
    return result
  }
}

/// Combines two bool tensors.
public protocol LogicalOp: BinaryElementwiseOp, PreparedOp {
  func apply(_ a: Bool, _ b: Bool) -> Bool
}

extension LogicalOp {
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] { try inferBroadcast(inputs, dtype: .bool) }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext, memo: KernelMemo?, into results: inout [NDArray]) throws {
    let (a, b) = try operands(inputs)
    guard a.dtype == .bool else { throw noKernel(a.dtype) }
    results.append(
      try broadcastMap(a, b, UInt8.self, to: .bool, UInt8.self, in: context, remembered: RememberedInputs(memo, inputs)) {
        apply($0 != 0, $1 != 0) ? 1 : 0
      })
  }
}
