import ModelGraph
import ModelOps
import ModelTensor

/// The ops of `fixtures/ops/Activation.json`.
public enum ActivationCases {
  public static let ops: [String: any Op] = [
    "Relu": ReluOp(), "LeakyRelu": LeakyReluOp(alpha: 0.1), "Elu": EluOp(alpha: 0.7), "Selu": SeluOp(),
    "Celu": CeluOp(alpha: 0.6), "Sigmoid": SigmoidOp(), "HardSigmoid": HardSigmoidOp(alpha: 0.3, beta: 0.4),
    "Tanh": TanhOp(), "Softplus": SoftplusOp(), "Softsign": SoftsignOp(), "Gelu": GeluOp(),
    "Gelu/tanh": GeluOp(approximate: true), "HardSwish": HardSwishOp(), "Mish": MishOp(),
    "ThresholdedRelu": ThresholdedReluOp(alpha: 0.8), "Shrink": ShrinkOp(bias: 0.3, lambd: 0.9),
    "Softmax/0": SoftmaxOp(axis: 0), "Softmax/1": SoftmaxOp(axis: 1), "Softmax": SoftmaxOp(axis: -1),
    "LogSoftmax/0": LogSoftmaxOp(axis: 0), "LogSoftmax/1": LogSoftmaxOp(axis: 1), "LogSoftmax": LogSoftmaxOp(axis: -1),
    "Hardmax/0": HardmaxOp(axis: 0), "Hardmax/1": HardmaxOp(axis: 1), "Hardmax": HardmaxOp(axis: -1),
    "PRelu": PReluOp(), "Clip": ClipOp(), "Silu": SiluOp(), "Swish": SwishOp(alpha: 1.3),
  ]
  public static func op(_ recorded: RecordedCase) -> (any Op)? { ops.op(recorded.name) }
}
