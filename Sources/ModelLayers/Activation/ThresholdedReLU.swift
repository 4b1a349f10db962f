import ModelGraph
import ModelOps
import ModelTensor

/// `x` where it is greater than `theta`, else 0 (Keras 1 and 2; Keras 3 spells it
/// `ReLU(threshold=theta)`).
public struct ThresholdedReLU: ConfigurableLayer {
  public static let className = "ThresholdedReLU"
  public var theta = 1.0
  public init() {}
  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    [try context.apply(ThresholdedReluOp(alpha: theta), try call.input())]
  }
}
