import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

let attentionRules: [NodeRule] = [
  .rule(
    "Attention", AttentionOp.self,
    read: { n, g in
      let op = AttentionOp(
        isCausal: try n.flag("is_causal"), queryHeads: try n.int("q_num_heads"), keyValueHeads: try n.int("kv_num_heads"),
        scale: try n.float("scale"), softcap: try n.float("softcap") ?? 0, scoreStage: try n.int("qk_matmul_output_mode") ?? 0,
        softmaxDType: try n.dtype("softmax_precision"), leftWindow: try n.int("left_window_size") ?? -1,
        rightWindow: try n.int("right_window_size") ?? -1, resultCount: max(1, n.outputCount))
      return try g.apply(op, to: n.inputs)
    },
    write: { op, x, w in
      let hasWindow = op.leftWindow >= 0 || op.rightWindow >= 0
      guard w.opset >= (hasWindow ? 25 : x[6] != nil ? 24 : 23) else { return try op.decompose(x.values, in: &w) }
      return try w.emit(
        "Attention", x.values,
        [
          "is_causal": op.isCausal.mark, "q_num_heads": op.queryHeads.map { .int($0) },
          "kv_num_heads": op.keyValueHeads.map { .int($0) }, "scale": op.scale.map { .float($0) },
          "softcap": op.softcap == 0 ? nil : .float(op.softcap),
          "qk_matmul_output_mode": op.scoreStage == 0 ? nil : .int(op.scoreStage),
          "softmax_precision": op.softmaxDType.map { .dtype($0) },
          "left_window_size": op.leftWindow >= 0 ? .int(op.leftWindow) : nil,
          "right_window_size": op.rightWindow >= 0 ? .int(op.rightWindow) : nil,
        ], types: try op.infer(x.values.map { $0?.fact }))
    }),
  .rule(
    "RotaryEmbedding", RotaryEmbeddingOp.self,
    read: { n, g in
      let op = RotaryEmbeddingOp(
        interleaved: try n.flag("interleaved"), rotaryWidth: try n.int("rotary_embedding_dim") ?? 0,
        heads: try n.int("num_heads") ?? 0)
      return try g.apply(op, to: n.inputs)
    },
    write: { op, x, w in
      guard w.opset >= 23 else { return try op.decompose(x.values, in: &w) }
      return [
        try w.emit(
          "RotaryEmbedding", x.values,
          [
            "interleaved": op.interleaved.mark, "rotary_embedding_dim": op.rotaryWidth == 0 ? nil : .int(op.rotaryWidth),
            "num_heads": op.heads == 0 ? nil : .int(op.heads),
          ])
      ]
    }),
  .rule(
    "TensorScatter", TensorScatterOp.self,
    read: { n, g in
      let op = TensorScatterOp(axis: try n.int("axis") ?? -2, circular: try n.string("mode") == "circular")
      return try g.apply(op, to: n.inputs)
    },
    write: { op, x, w in
      guard w.opset >= 24 else { throw UnsupportedError("TensorScatter needs opset 24") }
      return [
        try w.emit(
          "TensorScatter", x.values,
          ["axis": op.axis == -2 ? nil : .int(op.axis), "mode": op.circular ? .string("circular") : nil])
      ]
    }),
]
