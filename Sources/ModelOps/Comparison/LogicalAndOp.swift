import ModelGraph
import ModelTensor

/// `a ∧ b`.
///
/// Two bool tensors that broadcast.
public struct LogicalAndOp: LogicalOp {
  public static let name = "LogicalAnd"
  public static let family = OpFamily.comparison
  public init() {}
  public func apply(_ a: Bool, _ b: Bool) -> Bool { a && b }
}
