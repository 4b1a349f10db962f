import ModelGraph
import ModelOps

/// Says TensorFlow Lite's float cells with the LSTM that layers are made of, and its products likewise.
///
///     x ── SequenceLSTM ── y      becomes      x ── LSTM ── Squeeze ── y
///     x ── FullyConnected(w, b) ── y      becomes      x ── MatMul(wᵀ) ── Add(b) ── y
struct ExpandCells: Pass {
  let name = "expand-cells"

  func run(_ model: inout Model) throws {
    try model.replaceNodes(stamp: name) { node, context in
      if let product = node.op as? FullyConnectedOp { return try product.decompose(node.inputs, in: &context) }
      guard let cell = node.op as? SequenceLSTMOp,
        cell.reasonAgainstLSTM({ $0 < node.inputs.count && node.inputs[$0] != nil }) == nil,
        node.inputs.allSatisfy({ $0 == nil || $0.map { context.type(of: $0).dtype == .float32 } ?? true })
      else { return nil }
      return try cell.decompose(node.inputs, in: &context)
    }
  }
}

/// Says updates of a box that no loop makes with scatters, for which `keras.ops` has a word.
struct ExpandUpdates: Pass {
  let name = "expand-updates"

  func run(_ model: inout Model) throws {
    try model.replaceNodes(stamp: name) { node, context in
      guard let update = node.op as? DynamicUpdateSliceOp else { return nil }
      return try update.decompose(node.inputs, in: &context)
    }
  }
}
