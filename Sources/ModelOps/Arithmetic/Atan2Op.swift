import ModelGraph
import ModelTensor
import RealModule

/// The angle of the point `(b, a)`.
///
/// Two tensors of one dtype that broadcast.
public struct Atan2Op: ArithmeticOp {
  public static let name = "Atan2"
  public static let family = OpFamily.arithmetic
  public init() {}
  public func apply<T: Real & BinaryFloatingPoint>(_ a: T, _ b: T) -> T { T.atan2(y: a, x: b) }
  public func applyInteger<T: FixedWidthInteger>(_ a: T, _ b: T) -> T? { nil }
}
