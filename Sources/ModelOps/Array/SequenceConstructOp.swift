import ModelGraph
import ModelTensor

/// The inputs, all of one dtype, as a sequence.
public struct SequenceConstructOp: PrimitiveOp {
  public static let name = "SequenceConstruct"
  public static let family = OpFamily.array
  public init() {}
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let types = try inputs.indices.map { try inputs.required($0, of: self).type.unquantized }
    guard let element = try common(types) else { throw GraphError(.wrongInputCount, "SequenceConstruct of nothing") }
    return [.sequence(of: element)]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    [NDArray(.sequence(try inputs.indices.map { try inputs.required($0, of: self) }))]
  }
}
