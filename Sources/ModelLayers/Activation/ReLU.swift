import ModelGraph
import ModelTensor

/// The rectifier with all of Keras's parameters.
public struct ReLU: ConfigurableLayer {
  public static let className = "ReLU"
  public var maxValue: Double?
  public var negativeSlope = 0.0
  public var threshold = 0.0
  public init() {}
  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    let function = Activation.relu(maxValue: maxValue, negativeSlope: negativeSlope, threshold: threshold)
    return [try function.apply(try call.input(), in: &context)]
  }
}
