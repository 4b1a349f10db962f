import ModelGraph
import ModelTensor

/// A sequence without items, meant for tensors of `dtype`.
public struct SequenceEmptyOp: PrimitiveOp {
  public static let name = "SequenceEmpty"
  public static let family = OpFamily.array
  public var dtype: DType
  public init(dtype: DType = .float32) { self.dtype = dtype }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] { [.sequence(of: TensorType(dtype, .unranked))] }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] { [NDArray(.sequence([]))] }
}
