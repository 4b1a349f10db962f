import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// Recurrent ops that are no layer of Keras, because they clip, peep or end at lengths of their own: step by step, where the
/// number of steps is known and not great.
extension OperationRules {
  static let recurrent = OperationFamily(writers: [
    OperationWriteRule(LSTMOp.self, many: { op, inputs, writer in try writer.unrolled(op, inputs) { try op.stepwise($0, in: &$1) } }),
    OperationWriteRule(GRUOp.self, many: { op, inputs, writer in try writer.unrolled(op, inputs) { try op.stepwise($0, in: &$1) } }),
    OperationWriteRule(RNNOp.self, many: { op, inputs, writer in try writer.unrolled(op, inputs) { try op.stepwise($0, in: &$1) } }),
  ])
}

extension OperationWriter: ScanContext {
  /// More steps than these are refused: each is some twenty operations.
  private static let stepLimit = 128
  /// So many numbers are spelled in all: each step says its weights again.
  private static let numberLimit = 1 << 22

  mutating func unrolled(
    _ op: any Op, _ inputs: [WrittenTensor?], _ write: ([WrittenTensor?], inout OperationWriter) throws -> [WrittenTensor]
  ) throws -> [WrittenTensor] {
    let isBatchFirst = (op as? LSTMOp)?.batchFirst ?? (op as? GRUOp)?.batchFirst ?? (op as? RNNOp)?.batchFirst ?? false
    guard let x = inputs.first ?? nil, let dims = x.fact.type.shape.dims, dims.count == 3,
      let steps = dims[isBatchFirst ? 1 : 0].value, (1...Self.stepLimit).contains(steps)
    else { throw Self.unsupported(op, "it is no layer, and its steps are not known beforehand or more than \(Self.stepLimit)") }
    // The recurrent weights.
    if inputs.count > 2, let weights = inputs[2], let count = weights.fact.type.shape.elementCount, count > Self.numberLimit / steps {
      throw Self.unsupported(op, "it is no layer, and its weights are too many to be spelled at each step")
    }
    return try write(inputs, &self)
  }

  mutating func scan(
    _ initial: [WrittenTensor], over tensors: [WrittenTensor], axis: Int, backward: Bool,
    step: (inout OperationWriter, _ states: [WrittenTensor], _ slices: [WrittenTensor]) throws
      -> (states: [WrittenTensor], results: [WrittenTensor])
  ) throws -> (states: [WrittenTensor], results: [WrittenTensor]) {
    guard let count = tensors.first?.fact.type.shape.dims?[axis].value, (1...Self.stepLimit).contains(count) else {
      throw GraphError(.missingType, "a loop of an unknown number of steps")
    }
    var states = initial, steps = [[WrittenTensor]](repeating: [], count: count)
    for place in backward ? Array((0..<count).reversed()) : Array(0..<count) {
      let slices = try tensors.map { tensor -> WrittenTensor in
        if tensor.isConstant { return try gather(tensor, constant(NDArray(scalar: Int64(place))), axis: axis) }
        return try getItem(tensor, Array(repeating: Self.slice(nil, nil), count: axis) + [.int(place)])
      }
      let next = try step(&self, states, slices)
      states = next.states
      steps[place] = next.results
    }
    let results = try (0..<(steps.first?.count ?? 0)).map { index in
      try call(.numpy, "Stack", [.list(steps.map { .tensor($0[index]) })], ["axis": .int(axis)])
    }
    return (states, results)
  }
}
