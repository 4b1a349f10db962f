import ModelGraph
import ModelTensor

extension QuantizedOp {
  /// The same operator with its channels last, where kernels for integers know no other place; `nil` where there is nothing to
  /// move. Graphs that spell quantisation out are recognised with their channels where they are.
  var channelsLast: QuantizedOp? {
    var result = self
    switch op {
    case var op as ConvOp where op.layout == .channelsFirst:
      op.layout = .channelsLast
      result.op = op
    case var op as ConvTransposeOp where op.layout == .channelsFirst:
      op.layout = .channelsLast
      result.op = op
    case var op as PoolOp where op.layout == .channelsFirst:
      op.layout = .channelsLast
      result.op = op
    case var op as ResizeOp where op.mode == .linear && op.axes == [2, 3]:
      op.axes = [1, 2]
      result.op = op
    default: return nil
    }
    return result
  }

  /// Evaluates with the channels of the first input, and of the result, moved.
  func evaluateMoved(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    guard x.rank >= 3 else { throw ExecutionError(.shapeMismatch, "\(displayName) of \(x.type)") }
    var eager = EagerContext(context)
    let last = try eager.transpose(x, [0] + Array(2..<x.rank) + [1])
    return try evaluate([last] + inputs.dropFirst(), in: context).map { y in
      try eager.transpose(y, [0, y.rank - 1] + Array(1..<(y.rank - 1)))
    }
  }
}
