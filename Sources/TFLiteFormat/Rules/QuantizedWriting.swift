import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

extension OperatorWriter {
  /// Operators that give elements as they come.
  private static let moves: Set<Int32> = Set(
    [.reshape, .transpose, .stridedSlice, .slice, .gather, .gatherNd, .pad, .expandDims, .squeeze, .split, .splitV, .tile]
      .map { (builtin: BuiltinOperator) in builtin.rawValue })

  /// An op on quantised tensors as the operator on integers: what writes the op on floats is let write, then the tensors
  /// are given the types that are stored.
  /// - Returns: `nil` when that takes several operators, between which LiteRT would round otherwise.
  mutating func quantized(_ op: QuantizedOp, _ inputs: RuleInputs) throws -> [OutValue]? {
    guard !isQuantized, !op.isFloat, Self.canBeFused(op.activation) else { return nil }
    let first = frame.steps.count
    guard let aliases = passed(op, inputs) else { return nil }
    isQuantized = true
    defer { isQuantized = false }
    let types = try op.infer(inputs.values.map { $0?.fact })
    var results: [OutValue]
    do {
      results = try op.op is IdentityOp ? converted(op, aliases, types) : write(op.op, aliases)
      if !(op.op is IdentityOp), let result = results.first { results[0] = try activated(result, op.activation, since: first) }
    } catch is UnsupportedError {
      frame.steps.removeSubrange(first...)
      return nil
    }
    guard retype(op, since: first, results) else {
      frame.steps.removeSubrange(first...)
      return nil
    }
    return zip(results, types).map { result, type in
      var result = result
      result.fact = Fact(type)
      return result
    }
  }

  private static func canBeFused(_ activation: FusedActivation) -> Bool {
    switch activation {
    case .none, .relu, .relu6, .reluN1To1: true
    case .relu0To1, .tanh, .signBit: false
    }
  }

  /// The inputs as the floats they stand for; `nil` when a tensor is quantised otherwise already.
  private mutating func passed(_ op: QuantizedOp, _ inputs: RuleInputs) -> [OutValue?]? {
    var aliases: [OutValue?] = []
    for (index, input) in inputs.values.enumerated() {
      guard let input else {
        aliases.append(nil)
        continue
      }
      let local = frame.localize(input)
      guard index < op.inputs.count, let stored = op.inputs[index] else {
        aliases.append(local)
        continue
      }
      guard stored.quantization.block == nil,
        let known = quantized(local, TensorType(stored.dtype, local.type.shape, quantization: stored.quantization))
      else { return nil }
      var alias = known
      alias.fact = Fact(TensorType(.float32, local.type.shape), constant: frame.entries[known.index].constant)
      aliases.append(alias)
    }
    return aliases
  }

  /// A change between floats and integers, or from one scale to another; an activation alone.
  private mutating func converted(_ op: QuantizedOp, _ inputs: [OutValue?], _ types: [TensorType]) throws -> [OutValue] {
    guard let value = inputs.first ?? nil, let type = types.first else { throw UnsupportedError("a conversion of nothing") }
    let real = TensorType(.float32, type.shape)
    if let alone = Self.operatorAlone(op.activation) { return [try emit(alone, [value])] }
    if op.outputs.first.flatMap({ $0 }) == nil {
      return [try emit(.dequantize, [value], .dequantizeOptions(DequantizeOptions()), as: real)]
    }
    return [try emit(.quantize, [value], .quantizeOptions(QuantizeOptions()), as: real)]
  }

  /// The activation inside the operator that came last, else as one of its own. What was written before `first` may have other users.
  mutating func activated(_ value: OutValue, _ activation: FusedActivation, since first: Int) throws -> OutValue {
    let fused: ActivationFunctionType
    switch activation {
    case .relu: fused = .relu
    case .relu6: fused = .relu6
    case .reluN1To1: fused = .reluN1To1
    default: return value
    }
    if let place = frame.steps.lastIndex(where: { $0.outputs.contains(value.index) }), place >= first,
      Fusing.activation(of: frame.steps[place]) == ActivationFunctionType.none
    {
      Fusing.setActivation(fused, of: &frame.steps[place])
      return value
    }
    return try emit(Self.operatorAlone(activation) ?? .relu, [value])
  }

  private static func operatorAlone(_ activation: FusedActivation) -> BuiltinOperator? {
    switch activation {
    case .relu: .relu
    case .relu6: .relu6
    case .reluN1To1: .reluN1To1
    default: nil
    }
  }

  /// Gives the tensors made since `first` their stored types; `false` when more than one operator computes.
  private mutating func retype(_ op: QuantizedOp, since first: Int, _ results: [OutValue]) -> Bool {
    // What computes extents goes along.
    let computing = frame.steps.indices[first...].filter { place in
      let step = frame.steps[place]
      return !Self.moves.contains(step.builtin.rawValue) && step.outputs.contains { frame.entries[$0].type.dtype == .float32 }
    }
    guard computing.count <= 1, frame.steps.count > first else { return false }
    let last = computing.first ?? frame.steps.count - 1
    for place in frame.steps.indices[first...] {
      // Scales that are nearly powers of two would be taken for such.
      switch frame.steps[place].options {
      case .addOptions(var options) where op.outputs.first??.dtype == .int16:
        options.potScaleInt16 = false
        frame.steps[place].options = .addOptions(options)
      case .subOptions(var options) where op.outputs.first??.dtype == .int16:
        options.potScaleInt16 = false
        frame.steps[place].options = .subOptions(options)
      default: break
      }
      // A bias of zeros that stands for none.
      frame.steps[place].inputs = frame.steps[place].inputs.map { input in
        guard !(op.op is IdentityOp), input >= 0, let constant = frame.entries[input].constant, constant.dtype == .float32,
          constant.type.quantization == nil
        else { return input }
        return -1
      }
      while frame.steps[place].inputs.last == -1 { frame.steps[place].inputs.removeLast() }
      guard !frame.steps[place].inputs.contains(-1) else { return false }
      for (index, output) in frame.steps[place].outputs.enumerated() where frame.entries[output].type.dtype == .float32 {
        if place < last || computing.isEmpty && place < frame.steps.count - 1 {
          let source = frame.steps[place].inputs.first { frame.entries[$0].type.quantization != nil }
          guard let source else { return false }
          retype(output, frame.entries[source].type.dtype, frame.entries[source].type.quantization)
        } else {
          let wanted = place == last ? min(index, op.outputs.count - 1) : 0
          guard wanted >= 0, wanted < op.outputs.count, let stored = op.outputs[wanted] else { continue }
          retype(output, stored.dtype, stored.quantization)
        }
      }
    }
    return results.allSatisfy { $0.frame == frame.id }
  }

  private func retype(_ tensor: Int, _ dtype: DType, _ quantization: Quantization?) {
    frame.entries[tensor].type.dtype = dtype
    frame.entries[tensor].type.quantization = quantization
  }
}
