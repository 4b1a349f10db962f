import ModelGraph
import ModelTensor

/// `a ≥ b`.
///
/// Two tensors of one dtype that broadcast. Result: bool.
public struct GreaterOrEqualOp: ComparisonOp {
  public static let name = "GreaterOrEqual"
  public static let family = OpFamily.comparison
  public init() {}
  public func apply<T: Comparable>(_ a: T, _ b: T) -> Bool { a >= b }
}
