import ModelGraph
import ModelOps
import ModelTensor

/// `(x − moving_mean) / √(moving_variance + epsilon) · gamma + beta` per index of `axis` (Ioffe and
/// Szegedy, 2015, at inference). Computed in float32 under narrower policies.
///
/// Weights: `gamma`, `beta` (as configured), `moving_mean`, `moving_variance`.
public struct BatchNormalization: ConfigurableLayer {
  public static let className = "BatchNormalization"
  public var axis = -1
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
    let shape = [try extent(inputs, axis: axis)]
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
    return [try context.apply(BatchNormalizationOp(epsilon: epsilon, axis: axis), try call.input(), gamma, beta, mean, variance)]
  }
}
