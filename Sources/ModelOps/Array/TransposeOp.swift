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
    return [try StridedView(x).permuted(permutation).copy(in: context)]
  }
}
