import ModelGraph
import ModelTensor
import RealModule

/// `a^b`. An integer to a negative power truncates to 0, or ±1 for a base of ±1.
///
/// Two tensors of one dtype that broadcast.
public struct PowOp: ArithmeticOp {
  public static let name = "Pow"
  public static let family = OpFamily.arithmetic
  public init() {}
  public func apply<T: Real & BinaryFloatingPoint>(_ a: T, _ b: T) -> T { T.pow(any: a, b) }
  public func applyInteger<T: FixedWidthInteger>(_ a: T, _ b: T) -> T? { integerPower(a, b) }
}
