import ModelGraph
import ModelTensor

/// The extents of `x` from axis `start` up to `end`, as an int64 vector.
public struct ShapeOp: PrimitiveOp {
  public static let name = "Shape"
  public static let family = OpFamily.array
  public var start: Int
  public var end: Int?
  public init(start: Int = 0, end: Int? = nil) {
    self.start = start
    self.end = end
  }
  private func range(_ rank: Int) -> Range<Int> {
    func clamp(_ axis: Int) -> Int { max(0, min(rank, axis < 0 ? axis &+ rank : axis)) }
    let first = clamp(start), last = end.map(clamp) ?? rank
    return first..<max(first, last)
  }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    guard let rank = try inputs.required(0, of: self).type.shape.rank else { return [TensorType(.int64, .ranked([.unknown]))] }
    return [TensorType(.int64, [range(rank).count])]
  }
  public func inferElements(_ inputs: [Fact?]) -> [[Dim]?] {
    [inputs.first??.type.shape.dims.map { Array($0[range($0.count)]) }]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    let extents = x.shape[range(x.rank)].map(Int64.init)
    return [NDArray(extents, [extents.count])]
  }
}
