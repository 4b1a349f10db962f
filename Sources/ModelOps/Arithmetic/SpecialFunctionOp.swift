import Glibc
import ModelGraph
import ModelTensor
import RealModule

/// The special functions that TensorFlow has operators for, by their operators' names.
public enum SpecialFunction: String, Sendable, CaseIterable {
  case besselI0 = "BesselI0"
  case besselI1 = "BesselI1"
  case besselI0e = "BesselI0e"
  case besselI1e = "BesselI1e"
  case besselJ0 = "BesselJ0"
  case besselJ1 = "BesselJ1"
  case besselK0 = "BesselK0"
  case besselK1 = "BesselK1"
  case besselK0e = "BesselK0e"
  case besselK1e = "BesselK1e"
  case besselY0 = "BesselY0"
  case besselY1 = "BesselY1"
  case dawson = "Dawsn"
  case fresnelSine = "FresnelSin"
  case fresnelCosine = "FresnelCos"
  case exponentialIntegral = "Expint"
  case spence = "Spence"
  case lowerGamma = "Igamma"
  case upperGamma = "Igammac"
  /// How the lower incomplete gamma function changes with its first operand.
  case lowerGammaSlope = "IgammaGradA"
  case zeta = "Zeta"
  case polygamma = "Polygamma"
  case nextAfter = "NextAfter"
  case incompleteBeta = "Betainc"

  /// How many operands it takes.
  public var arity: Int {
    switch self {
    case .lowerGamma, .upperGamma, .lowerGammaSlope, .zeta, .polygamma, .nextAfter: 2
    case .incompleteBeta: 3
    default: 1
    }
  }
}

/// A special function of each element, of one, two or three tensors of one dtype of floats that broadcast.
///
/// Computed in double precision. Source: TensorFlow's `tf.math` and `tf.math.special`; the methods stand beside the functions.
public struct SpecialFunctionOp: PrimitiveOp {
  public static let name = "SpecialFunction"
  public static let family = OpFamily.arithmetic
  public var function: SpecialFunction
  public init(_ function: SpecialFunction) { self.function = function }
  public var displayName: String { function.rawValue }
  public var attributes: [(name: String, value: AttributeValue)] { [("function", .string(function.rawValue))] }

  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let operands = try (0..<function.arity).map { try inputs.required($0, of: self).type }
    guard Set(operands.map(\.dtype)).count == 1, operands[0].dtype.isFloatingPoint else {
      throw GraphError(.wrongDType, "\(displayName) of \(operands.map(\.description).joined(separator: ", "))")
    }
    return [TensorType(operands[0].dtype, try broadcast(operands.map(\.shape)))]
  }

  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let operands = try (0..<function.arity).map { try inputs.required($0, of: self) }
    let dtype = operands[0].dtype
    guard dtype.isFloatingPoint, operands.allSatisfy({ $0.dtype == dtype }) else { throw noKernel(dtype) }
    if function == .nextAfter { return [try following(operands[0], operands[1], in: context)] }
    let values = operands.map { $0.doubles() }
    let walk = try BroadcastWalk(operands.map(\.shape))
    let wide = try context.allocate(.float64, walk.shape), steps = walk.steps.map { $0.last ?? 0 }
    wide.withMutable(Double.self) { y in
      walk.forEachRun { place, offsets, length in
        for i in 0..<length { y[place + i] = value(zip(values, zip(offsets, steps)).map { $0[$1.0 + i * $1.1] }) }
      }
    }
    return [try wide.cast(to: dtype, in: context)]
  }

  /// The next number of the dtype itself.
  private func following(_ a: NDArray, _ b: NDArray, in context: ExecutionContext) throws -> NDArray {
    switch a.dtype {
    case .float32: return try broadcastMap(a, b, Float.self, to: .float32, Float.self, in: context) { nextafterf($0, $1) }
    case .float64: return try broadcastMap(a, b, Double.self, to: .float64, Double.self, in: context) { nextafter($0, $1) }
    default: throw noKernel(a.dtype)
    }
  }

  private func value(_ x: [Double]) -> Double {
    switch function {
    case .besselI0: besselI(0, x[0]) * Double.exp(x[0].magnitude)
    case .besselI1: besselI(1, x[0]) * Double.exp(x[0].magnitude)
    case .besselI0e: besselI(0, x[0])
    case .besselI1e: besselI(1, x[0])
    case .besselJ0: j0(x[0])
    case .besselJ1: j1(x[0])
    case .besselY0: y0(x[0])
    case .besselY1: y1(x[0])
    case .besselK0: besselK(0, x[0]) * Double.exp(-x[0])
    case .besselK1: besselK(1, x[0]) * Double.exp(-x[0])
    case .besselK0e: besselK(0, x[0])
    case .besselK1e: besselK(1, x[0])
    case .dawson: dawson(x[0])
    case .fresnelSine: fresnel(x[0]).sine
    case .fresnelCosine: fresnel(x[0]).cosine
    case .exponentialIntegral: exponentialIntegral(x[0])
    case .spence: spence(x[0])
    case .lowerGamma: incompleteGamma(x[0], x[1]).lower
    case .upperGamma: incompleteGamma(x[0], x[1]).upper
    case .lowerGammaSlope: incompleteGammaSlope(x[0], x[1])
    case .zeta: hurwitzZeta(x[0], x[1])
    case .polygamma: polygamma(x[0], x[1])
    case .incompleteBeta: incompleteBeta(x[0], x[1], x[2])
    case .nextAfter: nextafter(x[0], x[1])
    }
  }
}
