import ModelGraph
import ModelOps
import ModelTensor

/// Takes zeros as they are where they are quantised and dequantised again: the first state of an integer LSTM, made for the batch at hand.
///
///     0 ── Tile ── QuantizeLinear(s, z) ── DequantizeLinear(s, z) ── y      becomes      0 ── Tile ── y
///
/// Zero is a number that every quantisation has. Without this, zeros alone ask for a type of 16 bits.
struct DropRoundedZeros: Pass {
  let name = "drop-rounded-zeros"

  func run(_ model: inout Model) throws {
    try model.replaceNodes(stamp: name) { node, context in
      guard node.op is DequantizeLinearOp, node.inputs.count > 1, let q = node.inputs[0], let producer = context.graph.producer(of: q),
        context.graph[producer].op is QuantizeLinearOp, let y = node.outputs.first
      else { return nil }
      let quantizer = context.graph[producer]
      guard quantizer.inputs.count == node.inputs.count, let x = quantizer.inputs[0],
        context.graph[x].type.dtype == context.graph[y].type.dtype,
        isSame(quantizer.inputs[1], node.inputs[1], context), node.inputs.count < 3 || isSame(quantizer.inputs[2], node.inputs[2], context),
        isZero(x, context)
      else { return nil }
      return [x]
    }
    try RemoveDeadCode().run(&model)
  }

  private func isSame(_ a: ValueID?, _ b: ValueID?, _ context: GraphContext) -> Bool {
    guard a != b else { return true }
    guard let a, let b, let left = context.model.tensor(a, in: context.graph), let right = context.model.tensor(b, in: context.graph),
      left.type == right.type, left.type.shape.elementCount ?? .max <= 1 << 16, let left = try? left.array(), let right = try? right.array()
    else { return false }
    return left.doubles() == right.doubles()
  }

  /// Whether a value is zeros, however many.
  private func isZero(_ value: ValueID, _ context: GraphContext) -> Bool {
    var value = value
    for _ in 0..<16 {
      if let tensor = context.model.tensor(value, in: context.graph) {
        guard tensor.type.shape.elementCount ?? .max <= 1 << 16, let array = try? tensor.array() else { return false }
        return array.doubles().allSatisfy { $0 == 0 }
      }
      guard let producer = context.graph.producer(of: value) else { return false }
      let node = context.graph[producer]
      if let op = node.op as? ConstantOfShapeOp { return op.value.doubles().allSatisfy { $0 == 0 } }
      guard node.op is TileOp || node.op is ExpandOp || node.op.isMove || node.op is IdentityOp, let input = node.inputs.first ?? nil else {
        return false
      }
      value = input
    }
    return false
  }
}
