import ModelGraph
import ModelTensor
import RealModule

/// `x / (bias + alpha / size · Σ x²)^beta`, the sum over `size` neighbouring channels (Krizhevsky et al., 2012).
public struct LRNOp: PrimitiveOp {
  public static let name = "LRN"
  public static let family = OpFamily.normalization
  public var size: Int
  public var alpha: Double
  public var beta: Double
  public var bias: Double
  public var axis: Int
  public init(size: Int, alpha: Double = 1e-4, beta: Double = 0.75, bias: Double = 1, axis: Int = 1) {
    self.size = size
    self.alpha = alpha
    self.beta = beta
    self.bias = bias
    self.axis = axis
  }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] { [try inputs.required(0, of: self).type] }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    guard size >= 1, x.dtype.isFloatingPoint else { throw ExecutionError(.invalidValue, "LRN of \(x.type) with size \(size)") }
    let view = AxisView(x.shape, axis: try normalizeAxis(axis, rank: x.rank))
    let values = x.doubles()
    var out = values
    let before = (size - 1) / 2, after = size - 1 - before
    view.forEachLine { base, step in
      for c in 0..<view.extent {
        var sum = 0.0
        for j in max(0, c - before)...min(view.extent - 1, c + after) { sum += values[base + j * step] * values[base + j * step] }
        out[base + c * step] = values[base + c * step] / Double.pow(bias + alpha / Double(size) * sum, beta)
      }
    }
    return [try NDArray(out, x.shape).cast(to: x.dtype, in: context)]
  }
}
