import ModelGraph
import ModelTensor

/// Permutes the axes: result axis `i` is axis `permutation[i]`.
public struct TransposeOp: PreparedOp {
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
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext, memo: KernelMemo?, into results: inout [NDArray]) throws {
    let x = try inputs.required(0, of: self)
    results.append(try evaluate(x, try memo.prepared(inputs) { try Plan(permutation, x) }, in: context))
  }

  /// How the elements of one shape move.
  private struct Plan {
    enum Move {
      case none
      /// `[batch, rows, columns]` to `[batch, columns, rows]`.
      case blocks(batch: Int, rows: Int, columns: Int)
      case steps([Int])
    }
    let shape: [Int]
    let move: Move

    init(_ permutation: [Int], _ x: NDArray) throws {
      guard permutation.count == x.rank, permutation.sorted() == Array(0..<x.rank) else {
        throw ExecutionError(.shapeMismatch, "Transpose by \(permutation) of \(x.shape)")
      }
      shape = permutation.map { x.shape[$0] }
      move = Self.blocks(permutation, x) ?? .steps(StridedView(x).permuted(permutation).steps)
    }

    /// Four-byte elements whose axes can be seen as three, or do not move at all.
    private static func blocks(_ permutation: [Int], _ x: NDArray) -> Move? {
      guard x.dtype.arrayStride == 4, x.count > 0 else { return nil }
      let order = permutation.filter { x.shape[$0] != 1 }
      let sorted = order.sorted()
      if order == sorted { return Move.none }
      let kept = zip(order, sorted).prefix { $0 == $1 }.count
      let rest = Array(order[kept...]), original = Array(sorted[kept...])
      guard let first = original.first, let split = rest.firstIndex(of: first),
        Array(rest[split...]) + Array(rest[..<split]) == original
      else { return nil }
      let rows = rest[split...].reduce(1) { $0 * x.shape[$1] }, columns = rest[..<split].reduce(1) { $0 * x.shape[$1] }
      return .blocks(batch: x.count / (rows * columns), rows: rows, columns: columns)
    }
  }

  private func evaluate(_ x: NDArray, _ plan: Plan, in context: ExecutionContext) throws -> NDArray {
    switch plan.move {
    case .none: return x.reshaped(plan.shape)
    case .steps(let steps): return try StridedView(x, shape: plan.shape, steps: steps).copy(in: context)
    case .blocks(let batch, let rows, let columns):
      let result = try context.allocate(x.dtype, plan.shape)
      x.with(UInt32.self) { source in
        result.withMutable(UInt32.self) { y in
          guard let from = source.baseAddress, let to = y.baseAddress else { return }
          context.primitives.transpose(from, to, batch: batch, rows: rows, columns: columns)
        }
      }
      return result
    }
  }
}
