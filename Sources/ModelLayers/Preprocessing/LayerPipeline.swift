import ModelGraph
import ModelOps
import ModelTensor

/// Layers one after the other (Keras's `Pipeline`): those that have no weights.
public struct LayerPipeline: ConfigurableLayer {
  public static let className = "Pipeline"
  public var layers: [any Layer] = []
  public init() {}

  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    try self.call(call, in: &context) { layer, inner, context in try layer.call(inner, in: &context) }
  }
  /// As `call`, with something else in the place of each layer's own call.
  public func call<C: OpContext>(
    _ call: LayerCall<C.Value>, in context: inout C, each: (any Layer, LayerCall<C.Value>, inout C) throws -> [C.Value]
  ) throws -> [C.Value] {
    var x = try call.input(), mask = call.mask()
    for layer in layers {
      guard try layer.weights(for: [context.type(of: x)]).isEmpty else {
        throw GraphError(.invalidAttribute, "Pipeline: \(type(of: layer).className) has weights")
      }
      var inner = LayerCall<C.Value>(inputs: [x], masks: [mask])
      inner.computeDType = call.computeDType
      let results = try each(layer, inner, &context)
      guard let result = results.first, results.count == 1 else {
        throw GraphError(.wrongInputCount, "Pipeline: \(type(of: layer).className) gives \(results.count) results")
      }
      mask = try layer.mask(inner, in: &context).first ?? nil
      x = result
    }
    return [x]
  }
  public func mask<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value?] { [nil] }
}
