import ModelGraph
import ModelTensor

/// `x · wᵀ + bias`, as LiteRT's operator of this name.
///
/// Inputs: `x`, `w` (`[out, in]`), `bias?` (`[out]`). With `keepDims` the result is `[…, out]`; without it the elements of `x` are
/// rows of `in`, whatever its shape, and the result is a matrix.
public struct FullyConnectedOp: CompositeOp {
  public static let name = "FullyConnected"
  public static let family = OpFamily.linear
  public var keepDims: Bool
  public init(keepDims: Bool = false) { self.keepDims = keepDims }
  public func decompose<C: OpContext>(_ inputs: [C.Value?], in context: inout C) throws -> [C.Value] {
    guard inputs.count >= 2, var x = inputs[0], let w = inputs[1] else {
      throw GraphError(.wrongInputCount, "FullyConnected takes a tensor and weights")
    }
    if !keepDims, context.type(of: x).shape.rank != 2 {
      guard let depth = context.type(of: w).shape.dims?.last?.value else {
        throw GraphError(.missingType, "FullyConnected with weights of unknown shape")
      }
      x = try context.reshape(x, [-1, depth])
    }
    let product = try context.matmul(x, w, transposeB: true)
    guard inputs.count > 2, let bias = inputs[2] else { return [product] }
    return [try context.add(product, bias)]
  }
}
