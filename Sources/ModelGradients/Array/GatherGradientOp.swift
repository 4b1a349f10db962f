import ModelGraph
import ModelOps
import ModelTensor

/// The transpose of `GatherOp`: slices are added up at their indices.
///
/// Inputs: `indices` (of rank `r`), `g` (`[outer…, indices…, inner…]`). Result: `[outer…, extent, inner…]`.
public struct GatherGradientOp: PrimitiveOp, DifferentiableOp {
  public static let name = "GatherGradient"
  public static let family = OpFamily.array
  /// Counted from the front.
  public var axis: Int
  public var extent: Int
  public init(axis: Int, extent: Int) {
    self.axis = axis
    self.extent = extent
  }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let indices = try inputs.required(0, of: self).type, g = try inputs.required(1, of: self).type
    guard let rank = indices.shape.rank, let dims = g.shape.dims else { return [TensorType(g.dtype, .unranked)] }
    guard axis >= 0, dims.count >= axis + rank else { throw GraphError(.shapeMismatch, "GatherGradient of \(g) at \(indices)") }
    return [TensorType(g.dtype, .ranked(Array(dims[..<axis]) + [.fixed(extent)] + dims[(axis + rank)...]))]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let indices = try inputs.required(0, of: self), g = try inputs.required(1, of: self)
    guard axis >= 0, extent >= 0, g.rank >= axis + indices.rank, Array(g.shape[axis..<(axis + indices.rank)]) == indices.shape,
      let places = indices.integers()
    else { throw ExecutionError(.shapeMismatch, "GatherGradient of \(g.type) at \(indices.type)") }
    let inner = g.shape[(axis + indices.rank)...].reduce(1, *), outer = g.shape[..<axis].reduce(1, *)
    let shape = Array(g.shape[..<axis]) + [extent] + g.shape[(axis + indices.rank)...]
    let rows = try places.map { place -> Int in
      let row = place < 0 ? place + extent : place
      guard row >= 0, row < extent else { throw ExecutionError(.invalidValue, "GatherGradient: index \(place) of \(extent)") }
      return row
    }
    switch g.dtype {
    case .float32: return [try add(g, rows, shape, outer, inner, Float.self, in: context)]
    case .float64: return [try add(g, rows, shape, outer, inner, Double.self, in: context)]
    default:
      guard g.dtype.isFloatingPoint else { throw ExecutionError(.noKernel, "no GatherGradient of \(g.dtype)") }
      let wide = try CastOp(to: .float32).evaluate([g], in: context)[0]
      return try CastOp(to: g.dtype).evaluate([try add(wide, rows, shape, outer, inner, Float.self, in: context)], in: context)
    }
  }

  private func add<T: BinaryFloatingPoint>(
    _ g: NDArray, _ rows: [Int], _ shape: [Int], _ outer: Int, _ inner: Int, _: T.Type, in context: ExecutionContext
  ) throws -> NDArray {
    let result = try context.allocate(g.dtype, shape)
    result.withMutableBytes { _ = $0.initializeMemory(as: UInt8.self, repeating: 0) }
    g.with(T.self) { source in
      result.withMutable(T.self) { y in
        guard let source = source.baseAddress, let y = y.baseAddress else { return }
        for o in 0..<outer {
          for (i, row) in rows.enumerated() {
            let from = source + (o * rows.count + i) * inner, to = y + (o * extent + row) * inner
            for j in 0..<inner { to[j] += from[j] }
          }
        }
      }
    }
    return result
  }

  public func pullback<C: OpContext>(_ call: Pullback<C.Value>, in c: inout C) throws -> [C.Value?] {
    [nil, try c.apply(GatherOp(axis: axis), try call.g(), try call.x(0))]
  }
}
