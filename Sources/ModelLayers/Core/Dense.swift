import ModelGraph
import ModelOps
import ModelTensor

/// `activation(x · kernel + bias)` over the last axis: `[…, in]` to `[…, units]`.
///
/// Weights: `kernel` `[in, units]`, `bias` `[units]`.
public struct Dense: ConfigurableLayer {
  public static let className = "Dense"
  public var units = 1
  public var activation = Activation.linear
  public var useBias = true
  public init() {}
  public init(units: Int, activation: Activation = .linear, useBias: Bool = true) {
    self.units = units
    self.activation = activation
    self.useBias = useBias
  }

  public func weights(for inputs: [TensorType]) throws -> [WeightSpec] {
    let kernel = WeightSpec("kernel", try checked([try extent(inputs, axis: -1), units]), path: "vars/0")
    return useBias ? [kernel, WeightSpec("bias", [units], path: "vars/1")] : [kernel]
  }
  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    let kernel = try call.weight(0)
    var x = try call.input()
    // Integers (from a lookup layer) take the weights' dtype, as Keras promotes them.
    if context.type(of: x).dtype.isInteger { x = try context.cast(x, to: context.type(of: kernel).dtype) }
    var y = try context.matmul(x, kernel)
    if useBias { y = try context.add(y, try call.weight(1)) }
    return [try activation.apply(y, in: &context)]
  }
}
