import ModelGraph
import ModelOps
import ModelTensor

/// `(x − moving_mean) / √(moving_variance + epsilon) · gamma + beta` per index of `axis` (Ioffe and
/// Szegedy, 2015, at inference). Computed in float32 under narrower policies.
///
/// Weights: `gamma`, `beta` (as configured), `moving_mean`, `moving_variance`, of the extent of the axis. Over several axes, which Keras 2
/// alone knows, they have the rank of the input, with extents of 1 elsewhere.
public struct BatchNormalization: ConfigurableLayer {
  public static let className = "BatchNormalization"
  public var axis = -1
  /// Where there is more than one; `axis` does not count then.
  public var severalAxes: [Int]?
  public var momentum = 0.99
  public var epsilon = 1e-3
  public var center = true
  public var scale = true
  /// Batch renormalisation (Ioffe, 2017) has three more variables, none of which inference uses.
  public var renorm = false
  public var renormMomentum = 0.99
  /// `rmin`, `rmax` and `dmax`, as far as they are given.
  public var renormClipping: [String: Double] = [:]
  public init() {}

  public var castsWeights: Bool { false }
  public func weights(for inputs: [TensorType]) throws -> [WeightSpec] {
    let shape = try severalAxes.map { try self.shape(over: $0, inputs) } ?? [try extent(inputs, axis: axis)]
    var names: [(String, Bool)] = []
    if scale { names.append(("gamma", true)) }
    if center { names.append(("beta", true)) }
    names += [("moving_mean", false), ("moving_variance", false)]
    if renorm { names += [("moving_stddev", false), ("renorm_mean", false), ("renorm_stddev", false)] }
    return names.enumerated().map { index, entry in
      WeightSpec(entry.0, shape, isTrainable: entry.1, path: "vars/\(index)")
    }
  }
  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    var next = 0
    func take() throws -> C.Value {
      defer { next += 1 }
      return try call.weight(next)
    }
    let gamma = scale ? try take() : nil, beta = center ? try take() : nil
    let mean = try take(), variance = try take()
    if severalAxes != nil {
      let input = try call.input(), x = try context.widened(input)
      let inverse = try context.apply(RsqrtOp(), try context.add(variance, try context.scalar(epsilon, like: variance)))
      let factor = try gamma.map { try context.mul(inverse, $0) } ?? inverse
      var result = try context.mul(try context.sub(x, mean), factor)
      if let beta { result = try context.add(result, beta) }
      return [try context.cast(result, to: call.computeDType ?? context.dtype(of: input))]
    }
    return [try context.apply(BatchNormalizationOp(epsilon: epsilon, axis: axis), try call.input(), gamma, beta, mean, variance)]
  }

  private func shape(over axes: [Int], _ inputs: [TensorType]) throws -> [Int] {
    guard let rank = inputs.first?.shape.rank else { throw GraphError(.missingType, "BatchNormalization of an unknown rank") }
    var result = [Int](repeating: 1, count: rank)
    for axis in axes { result[try normalizeAxis(axis, rank: rank)] = try extent(inputs, axis: axis) }
    return try checked(result)
  }
}
