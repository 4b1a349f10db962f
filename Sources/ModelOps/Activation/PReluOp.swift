import ModelGraph
import ModelTensor
import RealModule

/// `x` where positive, `slope · x` elsewhere; `slope` broadcasts to `x` (He et al., 2015).
public struct PReluOp: ArithmeticOp {
  public static let name = "PRelu"
  public static let family = OpFamily.activation
  public init() {}
  public func apply<T: Real & BinaryFloatingPoint>(_ a: T, _ b: T) -> T { a < 0 ? b * a : a }
  public func applyInteger<T: FixedWidthInteger>(_ a: T, _ b: T) -> T? { a < 0 ? b &* a : a }
}
