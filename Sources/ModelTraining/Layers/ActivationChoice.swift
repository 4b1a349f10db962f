import ModelLayers

/// An activation as an argument: `.relu`, `"relu"`, `.leakyRelu(0.1)`.
public struct ActivationChoice: Sendable, ExpressibleByStringLiteral {
  let name: String
  /// `nil` for a name that Keras does not know.
  let function: Activation?
  init(_ function: Activation) {
    name = function.name
    self.function = function
  }
  public init(stringLiteral name: String) {
    self.name = name
    function = Activation(name: name)
  }
  func resolved() throws -> Activation {
    guard let function else { throw TensorError(.invalidArgument, "there is no activation '\(name)'") }
    return function
  }

  public static var linear: Self { Self(.linear) }
  public static var relu: Self { Self(.relu()) }
  public static var relu6: Self { Self(.relu6) }
  public static var tanh: Self { Self(.tanh) }
  public static var sigmoid: Self { Self(.sigmoid) }
  public static var softmax: Self { Self(.softmax()) }
  public static var logSoftmax: Self { Self(.logSoftmax()) }
  public static var softplus: Self { Self(.softplus) }
  public static var softsign: Self { Self(.softsign) }
  public static var selu: Self { Self(.selu) }
  public static var silu: Self { Self(.silu) }
  public static var mish: Self { Self(.mish) }
  public static var exponential: Self { Self(.exponential) }
  public static var hardSigmoid: Self { Self(.hardSigmoid()) }
  public static var hardSilu: Self { Self(.hardSilu) }
  public static func elu(alpha: Double = 1) -> Self { Self(.elu(alpha: alpha)) }
  public static func gelu(approximate: Bool = false) -> Self { Self(.gelu(approximate: approximate)) }
  public static func leakyRelu(_ negativeSlope: Double = 0.2) -> Self { Self(.leakyRelu(negativeSlope: negativeSlope)) }
}
