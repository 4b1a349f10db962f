import ModelGraph
import ModelTensor

/// `x / √(mean(x²) + epsilon) · scale` over `axes` (Zhang and Sennrich, 2019).
public struct RMSNormalizationOp: CompositeOp {
  public static let name = "RMSNormalization"
  public static let family = OpFamily.normalization
  public var axes: [Int]
  public var epsilon: Double
  public init(axes: [Int], epsilon: Double = 1e-5) {
    self.axes = axes
    self.epsilon = epsilon
  }
  public func decompose<C: OpContext>(_ inputs: [C.Value?], in context: inout C) throws -> [C.Value] {
    guard let input = inputs.first ?? nil else { throw GraphError(.wrongInputCount, "RMSNormalization takes a tensor") }
    let dtype = context.type(of: input).dtype
    let x = dtype == .float64 ? input : try context.cast(input, to: .float32)
    let power = try context.reduce(.mean, try context.apply(SquareOp(), x), axes: axes, keepDims: true)
    let inverse = try context.apply(RsqrtOp(), try context.add(power, try context.scalar(epsilon, like: power)))
    let y = try context.cast(try context.mul(x, inverse), to: dtype)
    guard inputs.count > 1, let scale = inputs[1] else { return [y] }
    return [try context.mul(y, scale)]
  }
}
