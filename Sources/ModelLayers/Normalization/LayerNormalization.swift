import ModelGraph
import ModelOps
import ModelTensor

/// Normalises each sample over `axes` (Ba et al., 2016). Computed in float32 under narrower policies.
///
/// Weights: `gamma`, `beta` (as configured) of the extents of the axes. The deprecated `rmsScaling`
/// divides by the standard deviation without subtracting the mean and has no `beta`.
public struct LayerNormalization: ConfigurableLayer {
  public static let className = "LayerNormalization"
  public var axes = [-1]
  public var epsilon = 1e-3
  public var center = true
  public var scale = true
  public var rmsScaling = false
  public init() {}

  public var castsInputs: Bool { false }
  public var castsWeights: Bool { false }
  public func weights(for inputs: [TensorType]) throws -> [WeightSpec] {
    let shape = try checked(try axes.sorted().map { try extent(inputs, axis: $0) })
    var names: [String] = []
    if scale || rmsScaling { names.append("gamma") }
    if center, !rmsScaling { names.append("beta") }
    return names.enumerated().map { WeightSpec($1, shape, path: "vars/\($0)") }
  }
  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    let x = try context.widened(try call.input()), result = call.computeDType ?? context.dtype(of: x)
    if rmsScaling {
      let rank = try context.rank(of: x)
      let normal = try axes.map { try normalizeAxis($0, rank: rank) }.sorted()
      let mean = try context.reduce(.mean, x, axes: normal, keepDims: true)
      let squares = try context.apply(SquareOp(), try context.sub(x, mean))
      let variance = try context.reduce(.mean, squares, axes: normal, keepDims: true)
      let inverse = try context.apply(RsqrtOp(), try context.add(variance, try context.scalar(epsilon, like: variance)))
      let gamma = try context.broadcast(try call.weight(0), axes: normal, rank: rank)
      return [try context.cast(try context.mul(try context.mul(x, inverse), try context.cast(gamma, to: context.dtype(of: x))), to: result)]
    }
    let gamma = scale ? try context.cast(try call.weight(0), to: context.dtype(of: x)) : nil
    let beta = center ? try context.cast(try call.weight(scale ? 1 : 0), to: context.dtype(of: x)) : nil
    return [try context.cast(try context.apply(LayerNormalizationOp(axes: axes.sorted(), epsilon: epsilon), x, gamma, beta), to: result)]
  }
}

extension OpContext {
  /// At least float32, which normalisation is computed in under every policy.
  mutating func widened(_ x: Value) throws -> Value {
    [.float16, .bfloat16].contains(dtype(of: x)) ? try cast(x, to: .float32) : x
  }

  /// A weight whose axes stand for `axes` (sorted) of a tensor of `rank`, with 1 elsewhere.
  mutating func broadcast(_ weight: Value, axes: [Int], rank: Int) throws -> Value {
    if axes == Array((rank - axes.count)..<rank) { return weight }
    let extents = try extents(of: weight)
    guard extents.count == axes.count else {
      throw GraphError(.shapeMismatch, "a weight of shape \(extents) for axes \(axes)")
    }
    var shape = [Int](repeating: 1, count: rank)
    for (axis, extent) in zip(axes, extents) { shape[axis] = extent }
    return try reshape(weight, shape)
  }
}
