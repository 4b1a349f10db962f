import ModelGraph
import ModelTensor

/// The items of a sequence one after the other along `axis`, or along a new axis with `newAxis`.
public struct ConcatFromSequenceOp: PrimitiveOp {
  public static let name = "ConcatFromSequence"
  public static let family = OpFamily.array
  public var axis: Int
  public var newAxis: Bool
  public init(axis: Int, newAxis: Bool = false) {
    self.axis = axis
    self.newAxis = newAxis
  }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    guard let element = try elementType(inputs, 0) else {
      throw GraphError(.missingType, "ConcatFromSequence of a sequence of an unknown type")
    }
    guard var dims = element.shape.dims else { return [TensorType(element.dtype, .unranked)] }
    let axis = try normalizeAxis(axis, rank: dims.count + (newAxis ? 1 : 0))
    if newAxis {
      dims.insert(.unknown, at: axis)
    } else {
      guard axis < dims.count else { throw GraphError(.shapeMismatch, "ConcatFromSequence of scalars") }
      dims[axis] = .unknown
    }
    return [TensorType(element.dtype, .ranked(dims))]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    var items = try sequence(inputs, 0)
    guard let first = items.first else { throw ExecutionError(.invalidInput, "ConcatFromSequence of an empty sequence") }
    let axis = try normalizeAxis(axis, rank: first.rank + (newAxis ? 1 : 0))
    if newAxis {
      items = try items.map { item in
        guard item.rank == first.rank else { throw ExecutionError(.shapeMismatch, "ConcatFromSequence of \(first.type) and \(item.type)") }
        var shape = item.shape
        shape.insert(1, at: axis)
        return item.reshaped(shape)
      }
    }
    return try ConcatOp(axis: axis).evaluate(items, in: context)
  }
}
