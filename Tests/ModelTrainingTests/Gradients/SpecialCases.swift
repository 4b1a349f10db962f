import ModelOps
import ModelTraining

/// Special functions, and operations at places where they have no slope.
enum SpecialCases {
  private static func one(_ function: SpecialFunction) -> GradientCases.Operation {
    { inputs in try Tensor.apply(SpecialFunctionOp(function), to: inputs.map(Optional.init))[0] }
  }

  static let all: [String: GradientCases.Operation] = {
    var cases: [String: GradientCases.Operation] = [
      "sqrt_left_out": { try $0[0].sqrt().maximum(0.5) }, "rsqrt_left_out": { try $0[0].rsqrt().minimum(2) },
      "celu_corner": { try GradientCases.one(CeluOp(alpha: 0.7), $0[0]) }, "zeta": { try one(.zeta)([try $0[0] + 1, $0[1]]) },
      "spence_one": one(.spence), "igamma": one(.lowerGamma), "igammac": one(.upperGamma), "polygamma": one(.polygamma),
      "betainc": one(.incompleteBeta), "nextafter": one(.nextAfter), "dawsn": one(.dawson), "expint": one(.exponentialIntegral),
      "fresnel_cos": one(.fresnelCosine), "fresnel_sin": one(.fresnelSine), "spence": one(.spence),
      "complex_parts": { inputs in
        func part(_ real: Tensor, _ imaginary: Tensor, _ place: Int) throws -> Tensor {
          let whole = try GradientCases.one(ComplexFromPartsOp(), try Tensor.stack([real, imaginary], axis: -1))
          return try GradientCases.one(ComplexPartsOp(), whole)[Axis.rest, place]
        }
        return try part(inputs[0], inputs[1], 0) * 2 + part(inputs[1], inputs[0], 1)
      },
    ]
    for function in SpecialFunction.allCases where function.rawValue.hasPrefix("Bessel") {
      cases["bessel_" + function.rawValue.dropFirst(6).lowercased()] = one(function)
    }
    return cases
  }()
}
