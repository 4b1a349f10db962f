import ModelGraph
import ModelTensor

/// `alpha · op(a) · op(b) + beta · c` of matrices; `c` broadcasts to the result.
public struct GemmOp: CompositeOp {
  public static let name = "Gemm"
  public static let family = OpFamily.linear
  public var alpha: Double
  public var beta: Double
  public var transposeA: Bool
  public var transposeB: Bool
  public init(alpha: Double = 1, beta: Double = 1, transposeA: Bool = false, transposeB: Bool = false) {
    self.alpha = alpha
    self.beta = beta
    self.transposeA = transposeA
    self.transposeB = transposeB
  }
  public func decompose<C: OpContext>(_ inputs: [C.Value?], in context: inout C) throws -> [C.Value] {
    guard inputs.count >= 2, let a = inputs[0], let b = inputs[1] else { throw GraphError(.wrongInputCount, "Gemm takes two matrices") }
    var result = try context.matmul(a, b, transposeA: transposeA, transposeB: transposeB)
    if alpha != 1 { result = try context.mul(result, try context.scalar(alpha, like: result)) }
    if inputs.count > 2, var c = inputs[2], beta != 0 {
      if beta != 1 { c = try context.mul(c, try context.scalar(beta, like: c)) }
      result = try context.add(result, c)
    }
    return [result]
  }
}
