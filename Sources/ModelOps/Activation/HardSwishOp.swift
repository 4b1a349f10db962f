import ModelGraph
import ModelTensor
import RealModule

/// `x · max(0, min(1, x / 6 + 0.5))` (Howard et al., 2019).
public struct HardSwishOp: UnaryElementwiseOp {
  public static let name = "HardSwish"
  public static let family = OpFamily.activation
  public init() {}
  public func apply<T: Real & BinaryFloatingPoint>(_ x: T) -> T { x * max(0, min(1, x / 6 + T(0.5))) }
}
