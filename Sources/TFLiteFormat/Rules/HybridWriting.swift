import ModelGraph
import ModelOps
import ModelTensor

extension OperatorWriter {
  /// An op on float activations and integer weights as the operator that quantises its activations as they come: what writes the
  /// op on floats is let write, with the integers passing for the weights they stand for.
  /// - Returns: `nil` when that takes several operators.
  mutating func hybrid(_ op: HybridOp, _ inputs: RuleInputs) throws -> [OutValue]? {
    guard !isQuantized, op.weights.quantization.block == nil, inputs.values.count > 1, let w = inputs[1], op.activation != .tanh,
      op.activation != .signBit, op.activation != .relu0To1
    else { return nil }
    let local = frame.localize(w), first = frame.steps.count
    guard let known = quantized(local, TensorType(op.weights.dtype, local.type.shape, quantization: op.weights.quantization)) else {
      return nil
    }
    var alias = known, values = inputs.values
    alias.fact = Fact(TensorType(.float32, local.type.shape), constant: frame.entries[known.index].constant)
    values[1] = alias
    isQuantized = true
    defer { isQuantized = false }
    var results = try write(op.op, values)
    let made = frame.steps.indices[first...].filter { [.conv2d, .depthwiseConv2d, .fullyConnected].contains(frame.steps[$0].builtin) }
    guard made.count == 1, let place = made.first else {
      frame.steps.removeSubrange(first...)
      return nil
    }
    if case .fullyConnectedOptions(var options) = frame.steps[place].options {
      options.asymmetricQuantizeInputs = op.asymmetricInputs
      frame.steps[place].options = .fullyConnectedOptions(options)
    }
    if let result = results.first { results[0] = try activated(result, op.activation, since: first) }
    return results
  }
}
