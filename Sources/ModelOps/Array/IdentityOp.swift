import ModelGraph
import ModelTensor

/// The input itself.
public struct IdentityOp: PrimitiveOp {
  public static let name = "Identity"
  public static let family = OpFamily.array
  /// Whether no gradient flows back through it (TensorFlow's `StopGradient`).
  public let stopsGradient: Bool
  public init(stopsGradient: Bool = false) { self.stopsGradient = stopsGradient }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] { [try inputs.required(0, of: self).type] }
  public func inferElements(_ inputs: [Fact?]) -> [[Dim]?] { [inputs.first??.elements] }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    [try inputs.required(0, of: self)]
  }
}
