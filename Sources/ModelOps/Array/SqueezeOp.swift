import ModelGraph
import ModelTensor

/// Removes axes of extent 1: those of `axes`, or all.
public struct SqueezeOp: PreparedOp {
  public static let name = "Squeeze"
  public static let family = OpFamily.array
  public var axes: [Int]?
  public init(axes: [Int]?) { self.axes = axes }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self)
    guard let dims = x.type.shape.dims else { return [TensorType(x.type.dtype, .unranked)] }
    guard let axes else {
      guard dims.allSatisfy({ $0.value != nil }) else { return [TensorType(x.type.dtype, .unranked)] }
      return [TensorType(x.type.dtype, .ranked(dims.filter { $0 != .fixed(1) }))]
    }
    let dropped = Set(try axes.map { try normalizeAxis($0, rank: dims.count) })
    for axis in dropped where axis < dims.count {
      if let extent = dims[axis].value, extent != 1 {
        throw GraphError(.shapeMismatch, "Squeeze of axis \(axis) of \(x.type)")
      }
    }
    return [TensorType(x.type.dtype, .ranked(dims.indices.filter { !dropped.contains($0) }.map { dims[$0] }))]
  }
  public func inferElements(_ inputs: [Fact?]) -> [[Dim]?] { [inputs.first??.elements] }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext, memo: KernelMemo?, into results: inout [NDArray]) throws {
    let x = try inputs.required(0, of: self)
    let shape = try memo.prepared(inputs) {
      let dropped =
        try axes.map { Set(try $0.map { try normalizeAxis($0, rank: x.rank) }) }
        ?? Set(x.shape.indices.filter { x.shape[$0] == 1 })
      for axis in dropped where axis < x.rank && x.shape[axis] != 1 {
        throw ExecutionError(.shapeMismatch, "Squeeze of axis \(axis) of \(x.shape)")
      }
      return x.shape.indices.filter { !dropped.contains($0) }.map { x.shape[$0] }
    }
    results.append(x.reshaped(shape))
  }
}
