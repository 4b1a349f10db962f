import ModelGraph
import ModelTensor

/// Permutes the axes: result axis `i` is axis `permutation[i]`.
public struct TransposeOp: PrimitiveOp {
  public static let name = "Transpose"
  public static let family = OpFamily.array
  public var permutation: [Int]
  public init(permutation: [Int]) { self.permutation = permutation }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self)
    guard permutation.sorted() == Array(0..<permutation.count) else {
      throw GraphError(.invalidAttribute, "\(permutation) is no permutation")
    }
    guard let dims = x.type.shape.dims else {
      return [TensorType(x.type.dtype, .ranked(Array(repeating: .unknown, count: permutation.count)))]
    }
    guard dims.count == permutation.count else {
      throw GraphError(.shapeMismatch, "Transpose by \(permutation) of \(x.type)")
    }
    return [TensorType(x.type.dtype, .ranked(permutation.map { dims[$0] }))]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    guard permutation.count == x.rank, permutation.sorted() == Array(0..<x.rank) else {
      throw ExecutionError(.shapeMismatch, "Transpose by \(permutation) of \(x.shape)")
    }
    if let swapped = try swapBlocks(x, in: context) { return [swapped] }
    return [try StridedView(x).permuted(permutation).copy(in: context)]
  }

  /// Four-byte elements whose axes, seen as `[batch, rows, columns]`, become `[batch, columns, rows]`, or do not move at all.
  private func swapBlocks(_ x: NDArray, in context: ExecutionContext) throws -> NDArray? {
    guard x.dtype.arrayStride == 4, x.count > 0 else { return nil }
    let order = permutation.filter { x.shape[$0] != 1 }
    let shape = permutation.map { x.shape[$0] }
    let sorted = order.sorted()
    if order == sorted { return x.reshaped(shape) }
    let kept = zip(order, sorted).prefix { $0 == $1 }.count
    let rest = Array(order[kept...]), original = Array(sorted[kept...])
    guard let first = original.first, let split = rest.firstIndex(of: first),
      Array(rest[split...]) + Array(rest[..<split]) == original
    else { return nil }
    let rows = rest[split...].reduce(1) { $0 * x.shape[$1] }, columns = rest[..<split].reduce(1) { $0 * x.shape[$1] }
    let result = try context.allocate(x.dtype, shape)
    x.with(UInt32.self) { source in
      result.withMutable(UInt32.self) { y in
        guard let from = source.baseAddress, let to = y.baseAddress else { return }
        context.primitives.transpose(from, to, batch: x.count / (rows * columns), rows: rows, columns: columns)
      }
    }
    return result
  }
}
