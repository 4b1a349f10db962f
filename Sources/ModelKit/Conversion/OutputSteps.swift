import ModelGraph
import ModelOps
import ModelPasses
import ModelTensor

extension Model {
  /// How far the numbers are apart that each quantised output can be: 1 for stored ones, the scale behind a dequantisation; 0 for outputs
  /// that lie on no steps.
  var outputSteps: [Double] { mainGraph.openOutputs.map { step(of: $0.value) } }

  private func step(of value: ValueID) -> Double {
    var value = value
    // Moves and what only cuts off keep numbers on their steps.
    for _ in 0..<16 {
      guard let producer = mainGraph.producer(of: value) else { return 0 }
      let node = mainGraph[producer]
      switch node.op {
      case let op as QuantizedOp:
        if case .result(_, let index) = mainGraph[value].definition, index < op.outputs.count, op.outputs[index] != nil { return 1 }
        return op.op is IdentityOp ? Double(op.inputs.first??.scale ?? 0) : 0
      case is QuantizeLinearOp: return 1
      case is DequantizeLinearOp: return scale(node)
      case let op where op.isMove || op is IdentityOp || op is ReluOp:
        guard let input = node.inputs.first ?? nil else { return 0 }
        value = input
      default: return 0
      }
    }
    return 0
  }

  /// The only constant scale of a dequantisation of integers of 16 bits and less.
  private func scale(_ node: Node) -> Double {
    guard node.inputs.count > 1, let x = node.inputs[0], let scale = node.inputs[1], mainGraph[x].type.dtype.bitWidth ?? 64 <= 16,
      let tensor = tensor(scale, in: mainGraph), tensor.elementCount == 1, tensor.dtype == .float32,
      let value = try? tensor.array().values(Float.self).first, value.isFinite, value > 0
    else { return 0 }
    return Double(value)
  }
}
