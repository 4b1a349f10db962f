import ModelGraph
import ModelOps
import ModelTensor

extension GraphFolding {
  /// Initial states of zeros, which exporters make for the batch of the input, are left out: recurrent ops start with them anyway.
  ///
  ///     Shape(x) ── … ── ConstantOfShape(0) ── LSTM          becomes          LSTM
  mutating func dropZeroStates(_ id: NodeID) {
    let node = context.graph[id], places: [Int]
    switch node.op {
    case is LSTMOp: places = [5, 6]
    case is GRUOp, is RNNOp: places = [5]
    default: return
    }
    for place in places where place < node.inputs.count {
      guard let state = node.inputs[place], isZeros(state) else { continue }
      context.graph[id].inputs[place] = nil
      isChanged = true
    }
  }

  /// Whether a value holds nothing but zeros, by what makes it.
  private func isZeros(_ value: ValueID) -> Bool {
    var value = value
    for _ in 0..<16 {
      if let tensor = context.model.tensor(value, in: context.graph) {
        if case .parameter = context.graph[value].definition { return false }
        guard tensor.dtype.isFloatingPoint, tensor.elementCount <= 1 << 16, let numbers = try? tensor.array().doubles() else {
          return false
        }
        return numbers.allSatisfy { $0 == 0 }
      }
      guard let node = producer(value) else { return false }
      switch node.op {
      case let op as ConstantOfShapeOp: return op.value.doubles().allSatisfy { $0 == 0 }
      case is ExpandOp, is TileOp, is ReshapeOp, is UnsqueezeOp, is SqueezeOp, is FlattenOp, is TransposeOp, is SliceOp, is IdentityOp,
        is CastOp, is GatherOp:
        guard let input = node.inputs.first ?? nil else { return false }
        value = input
      default: return false
      }
    }
    return false
  }
}
