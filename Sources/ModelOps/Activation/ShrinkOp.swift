import ModelGraph
import ModelTensor
import RealModule

/// `x + bias` below `−lambd`, `x − bias` above `lambd`, 0 between.
public struct ShrinkOp: UnaryElementwiseOp {
  public static let name = "Shrink"
  public static let family = OpFamily.activation
  public var bias: Double
  public var lambd: Double
  public init(bias: Double = 0, lambd: Double = 0.5) {
    self.bias = bias
    self.lambd = lambd
  }
  public func apply<T: Real & BinaryFloatingPoint>(_ x: T) -> T { x < -T(lambd) ? x + T(bias) : (x > T(lambd) ? x - T(bias) : 0) }
  public func applyInteger(_ x: Int) -> Int? {
    Double(x) < -lambd ? Int(truncatingDouble: Double(x) + bias) : (Double(x) > lambd ? Int(truncatingDouble: Double(x) - bias) : 0)
  }
}
