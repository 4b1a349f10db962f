import ModelTensor

/// What is computed twice is computed once: a network that rectifies or pools one value for several branches says so for each of them.
extension Fusing {
  private struct Key: Hashable {
    var builtin: BuiltinOperator
    var operands: [Operand]
    var options: String
    var types: [TensorType]
  }
  private enum Operand: Hashable {
    case value(Int)
    /// A small constant, by what it holds.
    case bytes([UInt8], TensorType)
  }

  /// Operators whose results depend on their operands and options alone.
  private static let pure: Set<BuiltinOperator> = [
    .relu, .relu6, .reluN1To1, .logistic, .tanh, .elu, .hardSwish, .leakyRelu, .gelu, .exp, .neg, .square, .sqrt, .rsqrt, .abs, .softmax,
    .averagePool2d, .maxPool2d, .pad, .padv2, .mirrorPad, .reshape, .transpose, .cast, .mean, .sum, .reduceMax, .reduceMin, .stridedSlice,
    .slice, .add, .sub, .mul, .div, .maximum, .minimum, .expandDims, .squeeze, .resizeBilinear, .resizeNearestNeighbor, .concatenation,
    .batchMatmul,
  ]
  /// Larger constants are told apart by their place.
  private static let smallBytes = 256

  mutating func mergeRepeats() {
    var known: [Key: Int] = [:]
    for place in frame.steps.indices {
      frame.steps[place].inputs = frame.steps[place].inputs.map { replaced[$0] ?? $0 }
      let step = frame.steps[place]
      guard Self.pure.contains(step.builtin), step.outputs.count == 1, step.intermediates.isEmpty,
        step.inputs.allSatisfy({ $0 < 0 || !frame.entries[$0].isVariable })
      else { continue }
      let output = step.outputs[0]
      let key = Key(
        builtin: step.builtin, operands: step.inputs.map(operand), options: String(describing: step.options),
        types: [frame.entries[output].type])
      guard let first = known[key] else {
        known[key] = output
        continue
      }
      guard !finished.outputs.contains(output) else { continue }
      replaced[output] = first
      uses[first, default: 0] += uses[output] ?? 0
      for input in step.inputs where input >= 0 { uses[input, default: 1] -= 1 }
      drop(place)
    }
    removeDropped()
  }

  private func operand(_ index: Int) -> Operand {
    guard index >= 0, let constant = frame.entries[index].constant, constant.source.byteCount <= Self.smallBytes,
      let bytes = try? constant.source.bytes()
    else { return .value(index) }
    return .bytes(bytes, constant.type)
  }
}
