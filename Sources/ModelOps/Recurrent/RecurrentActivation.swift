import ModelGraph
import ModelTensor
import RealModule

public enum RecurrentDirection: String, Sendable, AttributeConvertible {
  case forward, reverse, bidirectional
  public var attributeValue: AttributeValue { .string(rawValue) }
  public var count: Int { self == .bidirectional ? 2 : 1 }
}

/// An activation inside a recurrent op: a name of ONNX's with its parameters.
public struct RecurrentActivation: Sendable, Hashable, AttributeConvertible {
  public enum Kind: String, Sendable, CaseIterable {
    case sigmoid, tanh, relu, affine, leakyRelu, thresholdedRelu, scaledTanh, hardSigmoid, elu, softsign, softplus
    case linear, selu, gelu, geluTanh, silu, exponential, mish, hardSwish, relu6, reluN1To1
  }
  public var kind: Kind
  public var alpha: Float
  public var beta: Float
  public init(_ kind: Kind, alpha: Float? = nil, beta: Float? = nil) {
    self.kind = kind
    let defaults: (Float, Float) =
      switch kind {
      case .leakyRelu: (0.01, 0)
      case .affine: (1, 0)
      case .scaledTanh: (1, 1)
      case .hardSigmoid: (0.2, 0.5)
      case .thresholdedRelu, .elu: (1, 0)
      default: (0, 0)
      }
    self.alpha = alpha ?? defaults.0
    self.beta = beta ?? defaults.1
  }
  public var attributeValue: AttributeValue { .string("\(kind.rawValue)(\(alpha), \(beta))") }

  func callAsFunction(_ x: Float) -> Float {
    switch kind {
    case .sigmoid: UnaryFunction.sigmoid(x)
    case .tanh: UnaryFunction.tanh(x)
    case .relu: max(x, 0)
    case .affine: alpha * x + beta
    case .leakyRelu: x >= 0 ? x : alpha * x
    case .thresholdedRelu: x > alpha ? x : 0
    case .scaledTanh: alpha * UnaryFunction.tanh(beta * x)
    case .hardSigmoid: min(max(alpha * x + beta, 0), 1)
    case .elu: EluOp(alpha: Double(alpha)).apply(x)
    case .softsign: x / (1 + abs(x))
    case .softplus: SoftplusOp().apply(x)
    case .linear: x
    case .selu: SeluOp().apply(x)
    case .gelu: UnaryFunction.gelu(x)
    case .geluTanh: UnaryFunction.geluTanh(x)
    case .silu: UnaryFunction.silu(x)
    case .exponential: UnaryFunction.exp(x)
    case .mish: MishOp().apply(x)
    case .hardSwish: HardSwishOp().apply(x)
    case .relu6: min(max(x, 0), 6)
    case .reluN1To1: min(max(x, -1), 1)
    }
  }
}
