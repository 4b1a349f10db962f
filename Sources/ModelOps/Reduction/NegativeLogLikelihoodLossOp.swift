import ModelGraph
import ModelTensor

public enum LossReduction: String, Sendable, AttributeConvertible {
  case none, sum, mean
  public var attributeValue: AttributeValue { .string(rawValue) }
}

/// `−weight[target] · x[target]` per element, summed or averaged (by the weights) as `reduction` says.
///
/// Inputs: `x` (logarithms of probabilities, `[N, C, d…]`), `target` (integers, `[N, d…]`), `weight?` (`[C]`). Elements whose
/// target is `ignoreIndex` count for nothing.
public struct NegativeLogLikelihoodLossOp: PrimitiveOp {
  public static let name = "NegativeLogLikelihoodLoss"
  public static let family = OpFamily.reduction
  public var reduction: LossReduction
  public var ignoreIndex: Int?
  public init(reduction: LossReduction = .mean, ignoreIndex: Int? = nil) {
    self.reduction = reduction
    self.ignoreIndex = ignoreIndex
  }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self).type, target = try inputs.required(1, of: self).type
    return [TensorType(x.dtype, reduction == .none ? target.shape : .ranked([]))]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self), target = try inputs.required(1, of: self)
    guard x.dtype.isFloatingPoint else { throw noKernel(x.dtype) }
    guard x.rank >= 2, let classes = target.integers(), target.shape == [x.shape[0]] + x.shape[2...],
      inputs.optional(2) == nil || inputs.optional(2)?.shape == [x.shape[1]]
    else { throw ExecutionError(.shapeMismatch, "\(displayName) of \(x.type) with targets \(target.type)") }
    let weights = inputs.optional(2)?.doubles(), values = x.doubles()
    let view = AxisView(x.shape, axis: 1)
    var losses = [Double](repeating: 0, count: classes.count), total = 0.0
    for (place, name) in classes.enumerated() where name != ignoreIndex {
      let index = name < 0 ? name &+ view.extent : name
      guard index >= 0, index < view.extent else {
        throw ExecutionError(.invalidValue, "\(displayName): target \(name) of \(view.extent) classes")
      }
      let weight = weights?[index] ?? 1
      let (o, i) = (place / max(view.inner, 1), place % max(view.inner, 1))
      losses[place] = -weight * values[(o * view.extent + index) * view.inner + i]
      total += weight
    }
    switch reduction {
    case .none: return [try NDArray(losses, target.shape).cast(to: x.dtype, in: context)]
    case .sum: return [try NDArray(scalar: losses.reduce(0, +)).cast(to: x.dtype, in: context)]
    case .mean: return [try NDArray(scalar: losses.reduce(0, +) / total).cast(to: x.dtype, in: context)]
    }
  }
}
