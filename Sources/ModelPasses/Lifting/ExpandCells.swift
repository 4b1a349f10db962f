import ModelGraph
import ModelOps

/// Says float cells of TensorFlow Lite's operators with the LSTM that layers are made of.
///
///     x ── SequenceLSTM ── y      becomes      x ── LSTM ── Squeeze ── y
struct ExpandCells: Pass {
  let name = "expand-cells"

  func run(_ model: inout Model) throws {
    try model.replaceNodes(stamp: name) { node, context in
      guard let cell = node.op as? SequenceLSTMOp,
        cell.reasonAgainstLSTM({ $0 < node.inputs.count && node.inputs[$0] != nil }) == nil,
        node.inputs.allSatisfy({ $0 == nil || $0.map { context.type(of: $0).dtype == .float32 } ?? true })
      else { return nil }
      return try cell.decompose(node.inputs, in: &context)
    }
  }
}
