import ModelTensor

#if canImport(Glibc)
  import Glibc
#endif

extension UnaryFunction {
  public func callAsFunction(_ x: Float) -> Float {
    switch self {
    case .exp: expf(x)
    case .tanh: tanhf(x)
    case .sigmoid: x >= 0 ? 1 / (1 + expf(-x)) : expf(x) / (1 + expf(x))
    case .relu: x.isNaN ? x : max(x, 0)
    case .silu: x * UnaryFunction.sigmoid(x)
    case .erf: erff(x)
    case .gelu: 0.5 * x * (1 + erff(x * 0.70710678))
    case .geluTanh: 0.5 * x * (1 + tanhf(0.7978845608 * (x + 0.044715 * x * x * x)))
    case .sqrt: x.squareRoot()
    case .neg: -x
    case .abs: Swift.abs(x)
    case .square: x * x
    case .log: logf(x)
    }
  }
}

extension BinaryFunction {
  /// NaN on either side gives NaN for `maximum` and `minimum`, as in NumPy and ONNX.
  @inline(__always) public func callAsFunction(_ a: Float, _ b: Float) -> Float {
    switch self {
    case .add: a + b
    case .sub: a - b
    case .mul: a * b
    case .div: a / b
    case .maximum: a.isNaN || b.isNaN ? .nan : (a > b ? a : b)
    case .minimum: a.isNaN || b.isNaN ? .nan : (a < b ? a : b)
    case .gate: b > 0 ? a : 0
    }
  }
}
