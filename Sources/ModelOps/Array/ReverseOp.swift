import ModelGraph
import ModelTensor

/// `x` backwards along each of `axes`.
public struct ReverseOp: PrimitiveOp {
  public static let name = "Reverse"
  public static let family = OpFamily.array
  public var axes: [Int]
  public init(axes: [Int]) { self.axes = axes }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] { [try inputs.required(0, of: self).type] }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    var view = StridedView(x)
    for axis in try axes.map({ try normalizeAxis($0, rank: x.rank) }) where axis < x.rank && x.shape[axis] > 0 {
      view.offset += (view.shape[axis] - 1) * view.steps[axis]
      view.steps[axis] = 0 - view.steps[axis]
    }
    return [try view.copy(in: context)]
  }
}
