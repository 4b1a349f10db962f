import ModelGraph
import ModelTensor

/// `x` where positive, `alpha · (exp(x) − 1)` elsewhere.
public struct ELU: ConfigurableLayer {
  public static let className = "ELU"
  public var alpha = 1.0
  public init() {}
  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    [try Activation.elu(alpha: alpha).apply(try call.input(), in: &context)]
  }
}
