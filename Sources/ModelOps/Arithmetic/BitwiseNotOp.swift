import ModelGraph
import ModelTensor
import RealModule

/// Every bit inverted.
public struct BitwiseNotOp: UnaryElementwiseOp {
  public static let name = "BitwiseNot"
  public static let family = OpFamily.arithmetic
  public init() {}
  public func apply<T: Real & BinaryFloatingPoint>(_ x: T) -> T { .nan }
  public func applyInteger(_ x: Int) -> Int? { ~x }
}
