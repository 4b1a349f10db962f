import ComputeBackend
import ModelGradients
import ModelGraph
import ModelOps
import ModelTensor

/// Applies ops to tensors: at once, or in the graph that is being traced, and on the tapes that watch.
struct TensorContext: OpContext {
  mutating func apply(_ op: any Op, to inputs: [Tensor?]) throws -> [Tensor] { try Dispatch.apply(op, to: inputs) }
  mutating func constant(_ array: NDArray) throws -> Tensor { Tensor(array) }
  func fact(of value: Tensor) -> Fact { value.fact }
}

extension Tensor {
  /// Applies a canonical op (of `ModelOps`), for what has no function of its own here.
  public static func apply(_ op: any Op, to inputs: [Tensor?]) throws -> [Tensor] { try Dispatch.apply(op, to: inputs) }
}

enum Dispatch {
  /// All threads compute with the same ones.
  static let primitives = FastPrimitives(threads: nil)

  static func apply(_ op: any Op, to inputs: [Tensor?]) throws -> [Tensor] {
    let tapes = GradientTape.watching(inputs)
    if !tapes.isEmpty, !(op is any DifferentiableOp) {
      // Recorded as what it is made of.
      var context = TensorContext()
      if let op = op as? any DecomposedForGradients { return try op.decomposeForGradients(inputs, in: &context) }
      if let op = op as? any CompositeOp { return try op.decompose(inputs, in: &context) }
    }
    var outputs: [Tensor]
    do {
      outputs = try evaluate(op, inputs)
    } catch {
      throw explained(error, op, inputs)
    }
    if outputs.count == 1, let x = inputs.first ?? nil {
      if op is SoftmaxOp { outputs[0].noteProbability(.softmax, of: x) }
      if op is SigmoidOp { outputs[0].noteProbability(.sigmoid, of: x) }
    }
    for tape in tapes { tape.record(op, inputs, outputs) }
    if let gather = op as? GatherGradientOp, gather.axis == 0, inputs.count == 2, let indices = inputs[0], let values = inputs[1] {
      return outputs.map { output in
        var marked = output
        marked.slices = GradientSlices(indices: indices, values: values, count: gather.extent)
        return marked
      }
    }
    return outputs
  }

  /// The first result.
  static func one(_ op: any Op, _ inputs: Tensor?...) throws -> Tensor {
    guard let first = try apply(op, to: inputs).first else {
      throw TensorError(.invalidArgument, "\(op.displayName) has no result")
    }
    return first
  }

  private static func evaluate(_ op: any Op, _ inputs: [Tensor?]) throws -> [Tensor] {
    if inputs.contains(where: { $0?.layerOutput != nil }) { return try CallNode.applying(op, to: inputs) }
    if let trace = try Trace.tracing(inputs) { return try trace.apply(op, inputs) }
    var context = EagerContext(ExecutionContext(primitives: primitives))
    return try context.apply(op, to: inputs.map { try $0?.array() }).map { Tensor($0) }
  }

  /// Says which operator was applied to what.
  private static func explained(_ error: any Error, _ op: any Op, _ inputs: [Tensor?]) -> any Error {
    let operands = inputs.map { $0?.type.description ?? "nothing" }.joined(separator: ", ")
    let place = "\(op.displayName)(\(operands))"
    switch error {
    case let error as GraphError:
      let code: TensorError.Code =
        switch error.code {
        case .shapeMismatch: .shapeMismatch
        case .wrongDType: .wrongDType
        case .missingType: .symbolic
        default: .invalidArgument
        }
      return TensorError(code, "\(place): \(error)")
    case let error as ExecutionError:
      let code: TensorError.Code = error.code == .shapeMismatch ? .shapeMismatch : error.code == .noKernel ? .wrongDType : .invalidArgument
      return TensorError(code, "\(place): \(error)")
    default: return error
    }
  }
}
