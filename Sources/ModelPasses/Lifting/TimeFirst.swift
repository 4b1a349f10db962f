import ModelGraph
import ModelOps
import ModelTensor

/// Says recurrent ops that take the batch first (ONNX's `layout` 1) with those that take the time first, which layers are made of.
///
///     x ── LSTM(batch first) ── y      becomes      x ── Transpose ── LSTM ── Transpose ── y
struct TimeFirst: Pass {
  let name = "time-first"

  func run(_ model: inout Model) throws {
    try model.replaceNodes(stamp: name) { node, context in
      let states: [Int]
      let op: any PrimitiveOp
      switch node.op {
      case var cell as LSTMOp where cell.batchFirst:
        cell.batchFirst = false
        (op, states) = (cell, [5, 6])
      case var cell as GRUOp where cell.batchFirst:
        cell.batchFirst = false
        (op, states) = (cell, [5])
      case var cell as RNNOp where cell.batchFirst:
        cell.batchFirst = false
        (op, states) = (cell, [5])
      default: return nil
      }
      var inputs = node.inputs
      for index in [0] + states where index < inputs.count {
        // `[B, T, I]` and `[B, D, H]`.
        if let input = inputs[index] { inputs[index] = try context.apply(TransposeOp(permutation: [1, 0, 2]), input) }
      }
      let results = try context.append(op, inputs, name: node.name)
      return try results.enumerated().map { index, result in
        // `[T, D, B, H]` to `[B, T, D, H]`, and the states back.
        try context.apply(TransposeOp(permutation: index == 0 ? [2, 0, 1, 3] : [1, 0, 2]), result)
      }
    }
  }
}

/// Says gathers within each row of a batch of known size with gathers that name the row too.
///
///     x, indices ── GatherND(batch axes) ── y      becomes      x, Concat(places, indices) ── GatherND ── y
struct ExpandBatchedGathers: Pass {
  let name = "expand-batched-gathers"
  /// More places than this are not spelled out.
  private static let placeLimit = 1 << 18

  func run(_ model: inout Model) throws {
    try model.replaceNodes(stamp: name) { node, context in
      guard var gather = node.op as? GatherNDOp, gather.batchDims > 0, node.inputs.count == 2, let x = node.inputs[0],
        let indices = node.inputs[1], let extents = context.type(of: indices).shape.extents, extents.count > gather.batchDims,
        let count = checkedProduct(Array(extents.dropLast())), count > 0, count <= Self.placeLimit
      else { return nil }
      let lead = Array(extents.dropLast())
      var places: [Int64] = []
      for row in 0..<count {
        var rest = row, place: [Int] = []
        for extent in lead.reversed() {
          place.append(rest % extent)
          rest /= extent
        }
        places += place.reversed().prefix(gather.batchDims).map { Int64($0) }
      }
      let dtype = context.type(of: indices).dtype
      var columns = context.graph.addConstant(Tensor(NDArray(places, lead + [gather.batchDims])))
      if dtype != .int64 { columns = try context.apply(CastOp(to: dtype), columns) }
      let tuples = try context.append(ConcatOp(axis: lead.count), [columns, indices], name: "\(node.name)_places")[0]
      gather.batchDims = 0
      return try context.append(gather, [x, tuples], name: node.name)
    }
  }
}
