import ModelGraph
import ModelOps
import ModelTensor

/// `x / max(‖x‖₂, 1e-12)` over `axes`.
public struct UnitNormalization: ConfigurableLayer {
  public static let className = "UnitNormalization"
  public var axes = [-1]
  public init() {}
  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    [try context.unit(try call.input(), axes: axes, epsilon: 1e-12)]
  }
}

extension OpContext {
  /// `x · min(1 / √Σ x², 1 / epsilon)` over `axes`: Keras's `ops.normalize` of order 2.
  mutating func unit(_ x: Value, axes: [Int], epsilon: Double) throws -> Value {
    let sum = try reduce(.sum, try apply(SquareOp(), x), axes: axes, keepDims: true)
    return try mul(x, try minimum(try apply(RsqrtOp(), sum), try scalar(1 / epsilon, like: sum)))
  }
}
