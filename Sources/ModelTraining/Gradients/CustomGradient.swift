import ModelGradients
import ModelGraph
import ModelTensor

/// A result with a gradient of one's own: `body` gives the result, and what takes the result's gradient to the operand's.
public func customGradient(
  _ x: Tensor, _ body: (Tensor) throws -> (Tensor, (Tensor) throws -> Tensor)
) throws -> Tensor {
  let results = try customGradient([x]) { inputs in
    let (y, pullback) = try body(inputs[0])
    return ([y], { [try pullback($0[0])] })
  }
  return results[0]
}

/// As for one operand: `pullback` takes the gradients of all results, and gives one for each operand.
public func customGradient(
  _ inputs: [Tensor], _ body: ([Tensor]) throws -> ([Tensor], ([Tensor]) throws -> [Tensor])
) throws -> [Tensor] {
  let (results, pullback) = try GradientTape.stopRecording { try body(inputs) }
  // Handles of their own, which stand for the whole on the tapes.
  let outputs = results.map(\.anew)
  let op = CustomGradientOp(pullback: pullback)
  for tape in GradientTape.watching(inputs) { tape.record(op, inputs, outputs) }
  return outputs
}

/// Recorded on tapes only.
struct CustomGradientOp: DifferentiableOp, @unchecked Sendable {
  static let name = "CustomGradient"
  static let family = OpFamily.foreign
  let pullback: ([Tensor]) throws -> [Tensor]
  func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    throw GraphError(.invalidStructure, "a custom gradient stands on a tape only")
  }
  func pullback<C: OpContext>(_ call: Pullback<C.Value>, in context: inout C) throws -> [C.Value?] {
    let gradients = try zip(call.outputs, call.gradients).map { output, gradient -> Tensor in
      guard let output = output as? Tensor else { throw GraphError(.invalidStructure, "a custom gradient stands on a tape only") }
      return try gradient as? Tensor ?? Tensor.zeros(like: output)
    }
    return try pullback(gradients).map { $0 as? C.Value }
  }
}
