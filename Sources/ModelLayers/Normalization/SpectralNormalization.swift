import ModelGraph
import ModelTensor

/// Wraps a layer whose kernel was divided by its largest singular value while training (Miyato et al.,
/// 2018). At inference it is the layer itself.
///
/// Weights: the layer's kernel, `vector_u` `[1, out]`, the layer's other weights.
public struct SpectralNormalization: ConfigurableLayer {
  public static let className = "SpectralNormalization"
  public var layer: any Layer = Identity()
  public var powerIterations = 1
  public init() {}

  public func weights(for inputs: [TensorType]) throws -> [WeightSpec] {
    var inner = try layer.weights(for: inputs)
    guard !inner.isEmpty, let last = inner[0].shape.last else {
      throw GraphError(.invalidAttribute, "SpectralNormalization: a \(type(of: layer).className) has no kernel")
    }
    for index in inner.indices { inner[index].path = "layer/\(inner[index].path)" }
    inner[0].otherPaths = ["vars/0"]
    inner.insert(WeightSpec("vector_u", [1, last], isTrainable: false, path: "vars/1"), at: 1)
    return inner
  }
  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    try layer.call(unwrapped(call), in: &context)
  }
  public func mask<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value?] { [nil] }

  private func unwrapped<V>(_ call: LayerCall<V>) -> LayerCall<V> {
    var inner = call
    if inner.weights.count > 1 { inner.weights.remove(at: 1) }
    return inner
  }
}
