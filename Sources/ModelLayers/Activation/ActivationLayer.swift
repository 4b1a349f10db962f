import ModelGraph
import ModelTensor

/// Keras's `Activation` layer: a function of `keras.activations`.
public struct ActivationLayer: ConfigurableLayer {
  public static let className = "Activation"
  public var activation = Activation.linear
  public init() {}
  public init(_ activation: Activation) { self.activation = activation }
  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    [try activation.apply(try call.input(), in: &context)]
  }
}
