import ModelGradients
import ModelGraph
import ModelTensor

/// Gives its input, and no gradient back.
struct StopGradientOp: PreparedOp, DifferentiableOp {
  static let name = "StopGradient"
  static let family = OpFamily.array
  func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    guard let x = inputs.first ?? nil else { throw GraphError(.wrongInputCount, "StopGradient takes a tensor") }
    return [x.type]
  }
  func evaluate(_ inputs: [NDArray?], in context: ExecutionContext, memo: KernelMemo?, into results: inout [NDArray]) throws {
    guard let x = inputs.first ?? nil else { throw ExecutionError(.invalidInput, "StopGradient takes a tensor") }
    results.append(x)
  }
  func pullback<C: OpContext>(_ call: Pullback<C.Value>, in context: inout C) throws -> [C.Value?] { call.none }
}
