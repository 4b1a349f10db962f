import FlatBufferWire
import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

extension OperatorReader {
  /// What computes on float activations and integer weights, as LiteRT's reference does; `nil` for anything else.
  func hybrid(
    _ computation: Computation, _ inputs: [QuantizedType?], _ activation: FusedActivation, in g: GraphContext
  ) -> HybridOp? {
    guard HybridOp.hasKernel(computation.op), inputs.count >= 2, inputs[0] == nil, let weights = inputs[1],
      let x = computation.inputs[0], g.type(of: x).dtype == .float32
    else { return nil }
    if weights.quantization.block != nil {
      // LiteRT has a kernel for 4 bits in blocks along the depth, always with zero points.
      guard code == .fullyConnected, weights.dtype == .int4, weights.quantization.axis == 1 else { return nil }
      return HybridOp(computation.op, weights: weights, asymmetricInputs: true, activation: activation)
    }
    let isAsymmetric: Bool
    switch code {
    case .fullyConnected: isAsymmetric = options(FullyConnectedOptions.self).asymmetricQuantizeInputs
    case .batchMatmul: isAsymmetric = options(BatchMatMulOptions.self).asymmetricQuantizeInputs
    case .conv2d:
      // The kernel for one scale has no zero points; the one for many, or for groups, always has.
      let scales = weights.quantization.scales
      isAsymmetric = scales.contains { $0 != scales.first } || (computation.op as? ConvOp)?.groups != 1
    case .depthwiseConv2d, .transposeConv: isAsymmetric = true
    default: return nil
    }
    return HybridOp(computation.op, weights: weights, asymmetricInputs: isAsymmetric, activation: activation)
  }
}

extension UnsupportedError {
  /// The message with the reasons of its items.
  var reasons: String { ([message] + items.compactMap(\.reason)).joined(separator: " ") }
}

extension SubgraphReader {
  /// Gives what an operator with state has made its tensors' names.
  func nameState(_ outputs: [Int], since first: Int, name: String, in g: inout GraphContext) {
    for number in outputs {
      guard let value = values[number], case .result(let producer, _) = g.graph[value].definition, Int(producer.raw) >= first else {
        continue
      }
      g.graph[value].name = self.name(of: number)
      if number == outputs.first { g.graph[producer].name = name }
      if let type = try? type(of: number), let quantization = type.quantization { g.graph[value].type.quantization = quantization }
    }
  }
}
