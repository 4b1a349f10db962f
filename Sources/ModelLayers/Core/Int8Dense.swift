import ModelGraph
import ModelOps
import ModelTensor

/// A `Dense` in int8: `activation(grid(x) · kernel / scale + bias)`.
///
/// Weights: `kernel` `[in, units]` of int8, `bias` `[units]`, `kernel_scale` `[units]`.
public struct Int8Dense: Int8Layer {
  public static let className = "Dense"
  public var base = Dense()
  public var quantizesInputs = true
  public init() {}

  public func weights(for inputs: [TensorType]) throws -> [WeightSpec] {
    int8Weights(try base.weights(for: inputs), scales: ("kernel_scale", [base.units]))
  }
  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    var x = try call.input()
    if quantizesInputs { x = try context.onInt8Grid(x, axes: [-1]) }
    var y = try context.matmul(x, try context.int8Weight(try call.weight(0), like: x))
    y = try context.div(y, try call.weight(base.useBias ? 2 : 1))
    if base.useBias { y = try context.add(y, try call.weight(1)) }
    return [try base.activation.apply(y, in: &context)]
  }
}
