import ModelGraph
import ModelTensor

/// Inserts axes of extent 1 so that they stand at `axes` of the result.
public struct UnsqueezeOp: PreparedOp {
  public static let name = "Unsqueeze"
  public static let family = OpFamily.array
  public var axes: [Int]
  public init(axes: [Int]) { self.axes = axes }
  private func insert<T>(_ one: T, into extents: [T]) throws -> [T] {
    let rank = extents.count + axes.count
    let places = Set(try axes.map { try normalizeAxis($0, rank: rank) })
    guard places.count == axes.count else { throw GraphError(.invalidAttribute, "Unsqueeze at \(axes)") }
    var rest = extents[...]
    return (0..<rank).map { places.contains($0) ? one : (rest.popFirst() ?? one) }
  }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self)
    guard let dims = x.type.shape.dims else { return [TensorType(x.type.dtype, .unranked)] }
    return [TensorType(x.type.dtype, .ranked(try insert(.fixed(1), into: dims)))]
  }
  public func inferElements(_ inputs: [Fact?]) -> [[Dim]?] {
    [inputs.first??.type.shape.rank == 0 ? inputs.first??.elements : nil]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext, memo: KernelMemo?, into results: inout [NDArray]) throws {
    let x = try inputs.required(0, of: self)
    results.append(x.reshaped(try memo.prepared(inputs) { try insert(1, into: x.shape) }))
  }
}
