import ModelGraph
import ModelOps
import ModelTensor

/// Normalises each of `groups` groups of channels of a sample (Wu and He, 2018); `-1` groups makes
/// every channel one.
///
/// Weights: `gamma`, `beta` (as configured) per channel.
public struct GroupNormalization: ConfigurableLayer {
  public static let className = "GroupNormalization"
  public var groups = 32
  public var axis = -1
  public var epsilon = 1e-3
  public var center = true
  public var scale = true
  public init() {}

  public var castsWeights: Bool { false }
  public func weights(for inputs: [TensorType]) throws -> [WeightSpec] {
    let shape = [try extent(inputs, axis: axis)]
    var names: [String] = []
    if scale { names.append("gamma") }
    if center { names.append("beta") }
    return names.enumerated().map { WeightSpec($1, shape, path: "vars/\($0)") }
  }
  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    let own = context.dtype(of: try call.input()), x = try context.widened(try call.input())
    let count = groups == -1 ? try extent([context.type(of: x)], axis: axis) : groups
    let gamma = scale ? try context.cast(try call.weight(0), to: context.dtype(of: x)) : nil
    let beta = center ? try context.cast(try call.weight(scale ? 1 : 0), to: context.dtype(of: x)) : nil
    return [try context.cast(try context.apply(GroupNormalizationOp(groups: count, epsilon: epsilon, axis: axis), x, gamma, beta), to: own)]
  }
}
