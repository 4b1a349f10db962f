import ModelGraph
import ModelOps
import ModelTensor

/// The ops of `fixtures/ops/Recurrent.json`. Names spell the attributes: `LSTM/reverse/clip`.
public enum RecurrentCases {
  public static func op(_ recorded: RecordedCase) -> (any Op)? {
    let parts = recorded.name.split(separator: "/").map(String.init)
    guard parts.count >= 2, let direction = RecurrentDirection(rawValue: parts[1]) else { return nil }
    let variant = parts.count > 2 ? parts[2] : ""
    let clip: Float? = variant == "clip" ? 0.4 : nil, batchFirst = variant == "layout"
    func functions(
      _ usual: [RecurrentActivation], _ relu: [RecurrentActivation], _ affine: [RecurrentActivation], _ mixed: [RecurrentActivation]
    ) -> [RecurrentActivation] {
      switch variant {
      case "relu": relu
      case "affine": affine
      case "mixed": usual + mixed
      default: []
      }
    }
    let sigmoid = RecurrentActivation(.sigmoid), tanh = RecurrentActivation(.tanh), relu = RecurrentActivation(.relu)
    let hard = RecurrentActivation(.hardSigmoid), softsign = RecurrentActivation(.softsign)
    let affine = RecurrentActivation(.affine, alpha: 0.3, beta: 0.2), scaled = RecurrentActivation(.scaledTanh, alpha: 0.7, beta: 0.6)
    switch parts[0] {
    case "LSTM":
      return LSTMOp(
        hiddenSize: 6, direction: direction,
        activations: functions(
          [sigmoid, tanh, tanh], [hard, relu, relu], [affine, scaled, RecurrentActivation(.leakyRelu, alpha: 0.1)],
          [hard, softsign, RecurrentActivation(.elu)]),
        clip: clip, inputForget: variant == "inputForget", batchFirst: batchFirst)
    case "GRU":
      return GRUOp(
        hiddenSize: 6, direction: direction, activations: functions([sigmoid, tanh], [hard, relu], [affine, scaled], [hard, softsign]),
        clip: clip, linearBeforeReset: variant == "after", batchFirst: batchFirst)
    case "RNN":
      return RNNOp(
        hiddenSize: 6, direction: direction, activations: functions([tanh], [relu], [scaled], [softsign]), clip: clip,
        batchFirst: batchFirst)
    default: return nil
    }
  }
}
