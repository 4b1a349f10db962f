import ModelGraph
import ModelTensor
import RealModule

/// `a | b`.
///
/// Two tensors of one dtype that broadcast.
public struct BitwiseOrOp: ArithmeticOp {
  public static let name = "BitwiseOr"
  public static let family = OpFamily.arithmetic
  public init() {}
  public func apply<T: Real & BinaryFloatingPoint>(_ a: T, _ b: T) -> T { .nan }
  public func applyInteger<T: FixedWidthInteger>(_ a: T, _ b: T) -> T? { a | b }
}
