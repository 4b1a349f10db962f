import ModelGraph
import ModelOps
import ModelTensor

/// As `tensorflow/python/ops/math_grad.py` and `special_math_ops.py` have them: what TensorFlow gives no gradient there has none here.
extension SpecialFunctionOp: DifferentiableOp {
  public func pullback<C: OpContext>(_ call: Pullback<C.Value>, in c: inout C) throws -> [C.Value?] {
    let g = try call.g()
    var result = call.none
    func set(_ index: Int, _ slope: C.Value) throws {
      guard call.needs(index) else { return }
      result[index] = try c.unbroadcast(try c.mul(g, slope), to: try call.x(index))
    }
    switch function {
    case .nextAfter:
      if call.needs(0) { result[0] = try c.unbroadcast(g, to: try call.x(0)) }
      if call.needs(1) { result[1] = try c.zeros(like: try call.x(1)) }
    case .lowerGamma, .upperGamma:
      let a = try call.x(0), x = try call.x(1), sign = function == .lowerGamma ? 1.0 : -1
      if call.needs(0) { try set(0, try c.scaled(try c.apply(SpecialFunctionOp(.lowerGammaSlope), a, x), by: sign)) }
      if call.needs(1) {
        // x^(a−1) e⁻ˣ / Γ(a).
        let power = try c.sub(try c.mul(try c.shifted(a, by: -1), try c.apply(LogOp(), x)), x)
        try set(1, try c.scaled(try c.exp(try c.sub(power, try c.apply(LgammaOp(), a))), by: sign))
      }
    case .zeta:
      let x = try call.x(0), next = try c.apply(SpecialFunctionOp(.zeta), try c.shifted(x, by: 1), try call.x(1))
      try set(1, try c.neg(try c.mul(x, next)))
    case .polygamma: try set(1, try c.apply(SpecialFunctionOp(.polygamma), try c.shifted(try call.x(0), by: 1), try call.x(1)))
    case .incompleteBeta:
      let a = try call.x(0), b = try call.x(1), x = try call.x(2), sum = try c.add(a, b)
      let beta = try c.sub(try c.add(try c.apply(LgammaOp(), a), try c.apply(LgammaOp(), b)), try c.apply(LgammaOp(), sum))
      let front = try c.mul(try c.shifted(b, by: -1), try c.apply(Log1pOp(), try c.neg(x)))
      let power = try c.add(front, try c.mul(try c.shifted(a, by: -1), try c.apply(LogOp(), x)))
      try set(2, try c.exp(try c.sub(power, beta)))
    case .lowerGammaSlope: throw GraphError(.invalidStructure, "\(displayName) has no gradient, in TensorFlow either")
    default: try set(0, try slope(try call.x(), try call.y(), in: &c))
    }
    return result
  }

  /// The derivative of a function of one number.
  private func slope<C: OpContext>(_ x: C.Value, _ y: C.Value, in c: inout C) throws -> C.Value {
    func value(_ function: SpecialFunction) throws -> C.Value { try c.apply(SpecialFunctionOp(function), x) }
    /// `y / x`, and what `limit` says where `x` is 0.
    func settled(_ limit: Double, _ make: (C.Value, inout C) throws -> C.Value) throws -> C.Value {
      let isZero = try c.apply(EqualOp(), x, try c.scalar(0, like: x))
      let safe = try c.select(isZero, try c.scalar(1, like: x), x)
      return try c.select(isZero, try c.scalar(limit, like: x), try make(safe, &c))
    }
    switch function {
    case .besselI0: return try value(.besselI1)
    case .besselI1:
      let other = try value(.besselI0)
      return try settled(0.5) { x, c in try c.sub(other, try c.div(y, x)) }
    case .besselI0e: return try c.sub(try value(.besselI1e), try c.mul(try c.apply(SignOp(), x), y))
    case .besselI1e:
      let other = try value(.besselI0e), sign = try c.apply(SignOp(), x)
      return try settled(0.5) { x, c in try c.sub(other, try c.mul(y, try c.add(sign, try c.apply(ReciprocalOp(), x)))) }
    case .besselJ0: return try c.neg(try value(.besselJ1))
    case .besselJ1:
      let other = try value(.besselJ0)
      return try settled(0.5) { x, c in try c.sub(other, try c.div(y, x)) }
    case .besselK0: return try c.neg(try value(.besselK1))
    case .besselK0e: return try c.sub(y, try value(.besselK1e))
    case .besselK1: return try c.sub(try c.neg(try value(.besselK0)), try c.div(y, x))
    case .besselK1e:
      let rest = try c.sub(try c.scalar(1, like: x), try c.apply(ReciprocalOp(), x))
      return try c.sub(try c.mul(y, rest), try value(.besselK0e))
    case .besselY0: return try c.neg(try value(.besselY1))
    case .besselY1: return try c.sub(try value(.besselY0), try c.div(y, x))
    case .dawson: return try c.sub(try c.scalar(1, like: x), try c.scaled(try c.mul(x, y), by: 2))
    case .exponentialIntegral: return try c.div(try c.exp(x), x)
    case .fresnelCosine: return try c.apply(CosOp(), try c.scaled(try c.square(x), by: .pi / 2))
    case .fresnelSine: return try c.apply(SinOp(), try c.scaled(try c.square(x), by: .pi / 2))
    case .spence:
      let one = try c.scalar(1, like: x), isOne = try c.apply(EqualOp(), x, one)
      let safe = try c.select(isOne, try c.scalar(0.5, like: x), x)
      return try c.select(isOne, try c.scalar(-1, like: x), try c.div(try c.apply(LogOp(), safe), try c.sub(one, safe)))
    case .lowerGamma, .upperGamma, .lowerGammaSlope, .zeta, .polygamma, .nextAfter, .incompleteBeta:
      throw GraphError(.invalidStructure, "\(displayName) has more than one operand")
    }
  }
}
