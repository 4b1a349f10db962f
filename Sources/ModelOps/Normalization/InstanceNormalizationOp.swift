import ModelGraph
import ModelTensor

/// Normalises each channel of each sample over its spatial axes: `x`, `scale`, `bias` (per index of `axis`).
public struct InstanceNormalizationOp: CompositeOp {
  public static let name = "InstanceNormalization"
  public static let family = OpFamily.normalization
  public var epsilon: Double
  public var axis: Int
  public init(epsilon: Double = 1e-5, axis: Int = 1) {
    self.epsilon = epsilon
    self.axis = axis
  }
  public func decompose<C: OpContext>(_ inputs: [C.Value?], in context: inout C) throws -> [C.Value] {
    guard inputs.count == 3, let x = inputs[0], let scale = inputs[1], let bias = inputs[2] else {
      throw GraphError(.wrongInputCount, "InstanceNormalization takes three tensors")
    }
    let rank = try context.rank(of: x), axis = try normalizeAxis(axis, rank: rank)
    guard rank > axis, rank > 1 else { throw GraphError(.shapeMismatch, "InstanceNormalization of a tensor of rank \(rank)") }
    let axes = (1..<rank).filter { $0 != axis }
    let y = try context.apply(LayerNormalizationOp(axes: axes, epsilon: epsilon), x)
    var shape = [Int](repeating: 1, count: rank)
    shape[axis] = -1
    let scaled = try context.mul(y, try context.reshape(scale, shape))
    return [try context.add(scaled, try context.reshape(bias, shape))]
  }
}
