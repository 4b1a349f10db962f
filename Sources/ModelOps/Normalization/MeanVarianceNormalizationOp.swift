import ModelGraph

/// `(x − mean) / (√variance + 1e-9)`, mean and variance over `axes` (ONNX's function body).
public struct MeanVarianceNormalizationOp: CompositeOp {
  public static let name = "MeanVarianceNormalization"
  public static let family = OpFamily.normalization
  public var axes: [Int]
  public init(axes: [Int] = [0, 2, 3]) { self.axes = axes }
  public func decompose<C: OpContext>(_ inputs: [C.Value?], in context: inout C) throws -> [C.Value] {
    guard let x = inputs.first ?? nil else {
      throw GraphError(.wrongInputCount, "MeanVarianceNormalization takes a tensor")
    }
    let centred = try context.sub(x, try context.reduce(.mean, x, axes: axes, keepDims: true))
    let square = try context.apply(SquareOp(), centred)
    let deviation = try context.apply(SqrtOp(), try context.reduce(.mean, square, axes: axes, keepDims: true))
    let divisor = try context.add(deviation, try context.scalar(1e-9, like: deviation))
    return [try context.div(centred, divisor)]
  }
}
