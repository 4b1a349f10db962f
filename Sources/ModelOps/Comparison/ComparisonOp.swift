import ModelGraph
import ModelTensor

/// Compares two tensors of one dtype.
public protocol ComparisonOp: BinaryElementwiseOp {
  func apply<T: Comparable>(_ a: T, _ b: T) -> Bool
}

extension ComparisonOp {
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] { try inferBroadcast(inputs, dtype: .bool) }

  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let (a, b) = try operands(inputs)
    func compare<T: Comparable>(_ a: NDArray, _ b: NDArray, _: T.Type) throws -> [NDArray] {
      [try broadcastMap(a, b, T.self, to: .bool, UInt8.self, in: context) { apply($0, $1) ? 1 : 0 }]
    }
    switch a.dtype {
    case .float32: return try compare(a, b, Float.self)
    case .float64: return try compare(a, b, Double.self)
    case .float16, .bfloat16:
      return try compare(try a.cast(to: .float32, in: context), try b.cast(to: .float32, in: context), Float.self)
    case .uint64: return try compare(a, b, UInt64.self)
    case .string: return [try compareStrings(a, b, in: context)]
    default:
      return try compare(try a.cast(to: .int64, in: context), try b.cast(to: .int64, in: context), Int64.self)
    }
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
public protocol LogicalOp: BinaryElementwiseOp {
  func apply(_ a: Bool, _ b: Bool) -> Bool
}

extension LogicalOp {
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] { try inferBroadcast(inputs, dtype: .bool) }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let (a, b) = try operands(inputs)
    guard a.dtype == .bool else { throw noKernel(a.dtype) }
    return [
      try broadcastMap(a, b, UInt8.self, to: .bool, UInt8.self, in: context) { apply($0 != 0, $1 != 0) ? 1 : 0 }
    ]
  }
}
