import ModelGraph
import ModelTensor
import RealModule

/// −1, 0 or 1.
public struct SignOp: UnaryElementwiseOp {
  public static let name = "Sign"
  public static let family = OpFamily.arithmetic
  public init() {}
  public func apply<T: Real & BinaryFloatingPoint>(_ x: T) -> T { x > 0 ? 1 : (x < 0 ? -1 : x) }
  public func applyInteger(_ x: Int) -> Int? { x.signum() }
  public func applyUnsigned(_ x: UInt) -> UInt? { x == 0 ? 0 : 1 }
}
