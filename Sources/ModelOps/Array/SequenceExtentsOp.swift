import ModelGraph
import ModelTensor

/// The first extent of each item of a sequence: an int64 vector.
public struct SequenceExtentsOp: PrimitiveOp {
  public static let name = "SequenceExtents"
  public static let family = OpFamily.array
  public init() {}
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    _ = try elementType(inputs, 0)
    return [TensorType(.int64, .ranked([.unknown]))]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let extents = try sequence(inputs, 0).map { Int64($0.shape.first ?? 0) }
    return [NDArray(extents, [extents.count])]
  }
}
