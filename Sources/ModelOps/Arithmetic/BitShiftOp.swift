import ModelGraph
import ModelTensor
import RealModule

/// `a << b` or `a >> b`; 0 when all bits leave.
///
/// Two tensors of one dtype that broadcast.
public struct BitShiftOp: ArithmeticOp {
  public static let name = "BitShift"
  public static let family = OpFamily.arithmetic
  public var left: Bool
  public init(left: Bool = true) {
    self.left = left
  }
  public func apply<T: Real & BinaryFloatingPoint>(_ a: T, _ b: T) -> T { .nan }
  public func applyInteger<T: FixedWidthInteger>(_ a: T, _ b: T) -> T? { left ? a << b : a >> b }
}
