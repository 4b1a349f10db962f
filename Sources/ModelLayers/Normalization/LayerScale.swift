import ModelGraph
import ModelOps
import ModelTensor

/// Each channel times a weight of its own: the layer that ConvNeXt in `keras.applications` brings along.
///
/// Weights: `gamma` `[channels]`.
public struct LayerScale: ConfigurableLayer {
  public static let className = "LayerScale"
  public var initialValue = 1e-6
  public var channels = 1
  public init() {}

  public func weights(for inputs: [TensorType]) throws -> [WeightSpec] {
    [WeightSpec("gamma", try checked([channels]), path: "vars/0")]
  }
  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    [try context.mul(try call.input(), try call.weight(0))]
  }
  public func mask<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value?] { [nil] }
}
