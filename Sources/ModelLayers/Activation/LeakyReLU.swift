import ModelGraph
import ModelTensor

/// `x` where positive, `negativeSlope · x` elsewhere.
public struct LeakyReLU: ConfigurableLayer {
  public static let className = "LeakyReLU"
  public var negativeSlope = 0.3
  public init() {}
  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    [try Activation.leakyRelu(negativeSlope: negativeSlope).apply(try call.input(), in: &context)]
  }
}
