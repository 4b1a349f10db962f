import ModelGraph
import ModelTensor

/// How many items a sequence has: an int64 scalar.
public struct SequenceLengthOp: PrimitiveOp {
  public static let name = "SequenceLength"
  public static let family = OpFamily.array
  public init() {}
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    _ = try elementType(inputs, 0)
    return [TensorType(.int64, [])]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    [NDArray(scalar: Int64(try sequence(inputs, 0).count))]
  }
}
