import ModelGraph
import ModelOps
import ModelTensor

/// An activation function of `keras.activations`, or an activation layer used as one.
public enum Activation: Sendable, Hashable {
  case linear, relu6, selu, softplus, softsign, sparsePlus, silu, tanh, tanhShrink, sigmoid, sparseSigmoid
  case exponential, hardSilu, hardTanh, logSigmoid, mish
  /// `max_value`, `negative_slope`, `threshold`.
  case relu(maxValue: Double? = nil, negativeSlope: Double = 0, threshold: Double = 0)
  case leakyRelu(negativeSlope: Double = 0.2)
  case elu(alpha: Double = 1)
  case celu(alpha: Double = 1)
  case gelu(approximate: Bool = false)
  case glu(axis: Int = -1)
  case softmax(axis: Int = -1)
  case logSoftmax(axis: Int = -1)
  case sparsemax(axis: Int = -1)
  case hardShrink(threshold: Double = 0.5)
  case softShrink(threshold: Double = 0.5)
  case squareplus(b: Double = 4)
  case threshold(Double, defaultValue: Double)
  /// `clip(alpha · x + beta, 0, 1)`: 1/6 and 1/2 in Keras 3, 0.2 and 0.5 in Keras 1 and 2.
  case hardSigmoid(alpha: Double = 1 / 6, beta: Double = 0.5)

  /// The `hard_sigmoid` of Keras 1 and 2.
  public static let hardSigmoidKeras2 = Activation.hardSigmoid(alpha: 0.2, beta: 0.5)

}

extension Activation: AttributeConvertible, CustomStringConvertible {
  /// Keras's name of the function.
  public var name: String {
    switch self {
    case .linear: "linear"
    case .relu6: "relu6"
    case .selu: "selu"
    case .softplus: "softplus"
    case .softsign: "softsign"
    case .sparsePlus: "sparse_plus"
    case .silu: "silu"
    case .tanh: "tanh"
    case .tanhShrink: "tanh_shrink"
    case .sigmoid: "sigmoid"
    case .sparseSigmoid: "sparse_sigmoid"
    case .exponential: "exponential"
    case .hardSilu: "hard_silu"
    case .hardTanh: "hard_tanh"
    case .logSigmoid: "log_sigmoid"
    case .mish: "mish"
    case .relu: "relu"
    case .leakyRelu: "leaky_relu"
    case .elu: "elu"
    case .celu: "celu"
    case .gelu: "gelu"
    case .glu: "glu"
    case .softmax: "softmax"
    case .logSoftmax: "log_softmax"
    case .sparsemax: "sparsemax"
    case .hardShrink: "hard_shrink"
    case .softShrink: "soft_shrink"
    case .squareplus: "squareplus"
    case .threshold: "threshold"
    case .hardSigmoid: "hard_sigmoid"
    }
  }

  /// The function of this name with its default arguments; `nil` for a name Keras does not know.
  public init?(name: String) {
    switch name {
    case "linear": self = .linear
    case "relu": self = .relu()
    case "relu6": self = .relu6
    case "selu": self = .selu
    case "softplus": self = .softplus
    case "softsign": self = .softsign
    case "sparse_plus": self = .sparsePlus
    case "silu", "swish": self = .silu
    case "tanh": self = .tanh
    case "tanh_shrink": self = .tanhShrink
    case "sigmoid": self = .sigmoid
    case "sparse_sigmoid": self = .sparseSigmoid
    case "exponential": self = .exponential
    case "hard_silu", "hard_swish": self = .hardSilu
    case "hard_tanh": self = .hardTanh
    case "log_sigmoid": self = .logSigmoid
    case "mish": self = .mish
    case "leaky_relu": self = .leakyRelu()
    case "elu": self = .elu()
    case "celu": self = .celu()
    case "gelu": self = .gelu()
    case "glu": self = .glu()
    case "softmax", "softmax_v2": self = .softmax()
    case "log_softmax": self = .logSoftmax()
    case "sparsemax": self = .sparsemax()
    case "hard_shrink": self = .hardShrink()
    case "soft_shrink": self = .softShrink()
    case "squareplus": self = .squareplus()
    case "hard_sigmoid": self = .hardSigmoid()
    default: return nil
    }
  }

  /// Whether the name alone says everything.
  public var isPlain: Bool { Activation(name: name) == self }
  public var description: String { isPlain ? name : "\(name) with parameters" }
  public var attributeValue: AttributeValue { .string(isPlain ? name : "\(name) with parameters") }

  /// The counterpart inside a recurrent op, if it has one.
  public var recurrent: RecurrentActivation? {
    switch self {
    case .linear: .init(.linear)
    case .relu(nil, 0, 0): .init(.relu)
    case .relu(nil, let slope, 0): .init(.leakyRelu, alpha: Float(slope))
    case .leakyRelu(let slope): .init(.leakyRelu, alpha: Float(slope))
    case .relu6: .init(.relu6)
    case .selu: .init(.selu)
    case .softplus: .init(.softplus)
    case .softsign: .init(.softsign)
    case .silu: .init(.silu)
    case .tanh: .init(.tanh)
    case .sigmoid: .init(.sigmoid)
    case .exponential: .init(.exponential)
    case .hardSilu: .init(.hardSwish)
    case .mish: .init(.mish)
    case .elu(let alpha): .init(.elu, alpha: Float(alpha))
    case .gelu(let approximate): .init(approximate ? .geluTanh : .gelu)
    case .hardSigmoid(let alpha, let beta): .init(.hardSigmoid, alpha: Float(alpha), beta: Float(beta))
    default: nil
    }
  }
}
