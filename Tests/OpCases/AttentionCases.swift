import ModelGraph
import ModelOps
import ModelTensor

/// The ops of `fixtures/ops/Attention.json`.
public enum AttentionCases {
  public static func op(_ recorded: RecordedCase) -> (any Op)? {
    let parts = recorded.name.split(separator: "/").map(String.init)
    switch parts[0] {
    case "Attention":
      switch parts[1] {
      case "scale": return AttentionOp(scale: 0.01)
      case "causal": return AttentionOp(isCausal: true)
      case "softcap": return AttentionOp(softcap: 2)
      case "flat": return AttentionOp(queryHeads: 4, keyValueHeads: 4)
      case "flatGrouped": return AttentionOp(queryHeads: 4, keyValueHeads: 2)
      case "past": return AttentionOp(resultCount: 3)
      case "plain", "mask", "bias", "grouped": return AttentionOp()
      default:
        guard parts[1].hasPrefix("scores"), let stage = Int(parts[1].dropFirst(6)) else { return nil }
        return AttentionOp(softcap: 1.5, scoreStage: stage, resultCount: 4)
      }
    case "RotaryEmbedding":
      if parts[1] == "flat" { return RotaryEmbeddingOp(heads: 4) }
      return RotaryEmbeddingOp(interleaved: parts[1] == "1", rotaryWidth: parts.count > 2 ? 4 : 0)
    case "TensorScatter": return TensorScatterOp(circular: parts[1] == "circular")
    default: return nil
    }
  }
}
