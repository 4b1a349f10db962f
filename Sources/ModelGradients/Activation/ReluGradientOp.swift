import ModelGraph
import ModelOps
import ModelTensor

/// `g` where `y`, what a `ReluOp` gave, is positive, else 0: in one pass. Inputs: `g`, `y`, of one type.
public struct ReluGradientOp: PreparedOp, DifferentiableOp {
  public static let name = "ReluGradient"
  public static let family = OpFamily.activation
  public init() {}
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] { [try inputs.required(0, of: self).type.plain] }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext, memo: KernelMemo?, into results: inout [NDArray]) throws {
    let g = try inputs.required(0, of: self), y = try inputs.required(1, of: self)
    guard g.dtype == y.dtype, g.shape == y.shape else { throw ExecutionError(.shapeMismatch, "ReluGradient of \(g.type) and \(y.type)") }
    switch g.dtype {
    case .float32:
      let result = try context.allocate(.float32, g.shape)
      g.with(Float.self) { gs in
        y.with(Float.self) { ys in
          result.withMutable(Float.self) { zs in
            guard let g = gs.baseAddress, let y = ys.baseAddress, let z = zs.baseAddress else { return }
            context.primitives.binary(.gate, g, y, z, count: gs.count, aIsScalar: false, bIsScalar: false)
          }
        }
      }
      results.append(result)
    case .float64: results.append(try kept(g, y, Double.self, in: context))
    default:
      let cast = CastOp(to: .float32)
      let wide = try kept(try cast.evaluate([g], in: context)[0], try cast.evaluate([y], in: context)[0], Float.self, in: context)
      results = try CastOp(to: g.dtype).evaluate([wide], in: context)
    }
  }
  private func kept<T: BinaryFloatingPoint>(_ g: NDArray, _ y: NDArray, _: T.Type, in context: ExecutionContext) throws -> NDArray {
    let result = try context.allocate(g.dtype, g.shape)
    g.with(T.self) { gs in
      y.with(T.self) { ys in
        result.withMutable(T.self) { zs in
          guard let g = gs.baseAddress, let y = ys.baseAddress, let z = zs.baseAddress else { return }
          for i in 0..<result.count { z[i] = y[i] > 0 ? g[i] : 0 }
        }
      }
    }
    return result
  }
  public func pullback<C: OpContext>(_ call: Pullback<C.Value>, in c: inout C) throws -> [C.Value?] {
    [try c.apply(ReluGradientOp(), try call.g(), try call.x(1)), nil]
  }
}
