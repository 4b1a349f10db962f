import ModelGraph
import ModelTensor

/// `a ∨ b`.
///
/// Two bool tensors that broadcast.
public struct LogicalOrOp: LogicalOp {
  public static let name = "LogicalOr"
  public static let family = OpFamily.comparison
  public init() {}
  public func apply(_ a: Bool, _ b: Bool) -> Bool { a || b }
}
