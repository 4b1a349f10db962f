import ModelGraph
import ModelSupport
import ModelTensor

/// The grid of coordinates that an affine transformation makes of an image's places, for `GridSampleOp`.
///
/// Inputs: `theta` (`[N, 2, 3]` or `[N, 3, 4]`), `size` (integer vector: `[N, C, H, W]` or `[N, C, D, H, W]`). Result: `[N, H, W, 2]` or
/// `[N, D, H, W, 3]`, the last spatial axis' coordinate first.
public struct AffineGridOp: PrimitiveOp {
  public static let name = "AffineGrid"
  public static let family = OpFamily.image
  public var alignCorners: Bool
  public init(alignCorners: Bool = false) { self.alignCorners = alignCorners }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let theta = try inputs.required(0, of: self).type
    guard let size = try inputs.required(1, of: self).elements, size.count >= 3 else { return [TensorType(theta.dtype, .unranked)] }
    return [TensorType(theta.dtype, .ranked([size[0]] + size[2...] + [.fixed(size.count - 2)]))]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let theta = try inputs.required(0, of: self)
    guard theta.dtype.isFloatingPoint else { throw noKernel(theta.dtype) }
    guard let size = try inputs.required(1, of: self).integers(), size.count == 4 || size.count == 5, size.allSatisfy({ $0 >= 0 }) else {
      throw ExecutionError(.invalidInput, "AffineGrid takes the size of an image")
    }
    let n = size.count - 2, spatial = Array(size[2...])
    guard theta.shape == [size[0], n, n + 1], checkedProduct(size) != nil else {
      throw ExecutionError(.shapeMismatch, "AffineGrid of \(theta.type) for \(size)")
    }
    let result = try context.allocate(.float64, [size[0]] + spatial + [n])
    let matrix = theta.doubles(), steps = StridedView.steps(of: spatial), positions = spatial.reduce(1, *)
    func coordinate(_ i: Int, _ extent: Int) -> Double {
      if alignCorners { return extent == 1 ? -1 : -1 + 2 * Double(i) / Double(extent - 1) }
      return -1 + (2 * Double(i) + 1) / Double(extent)
    }
    result.withMutable(Double.self) { y in
      for batch in 0..<size[0] {
        for position in 0..<positions {
          let place = (0..<n).map { k in
            let axis = n - 1 - k
            return coordinate(position / steps[axis] % spatial[axis], spatial[axis])
          }
          for row in 0..<n {
            let base = (batch * n + row) * (n + 1)
            var sum = matrix[base + n]
            for k in 0..<n { sum += matrix[base + k] * place[k] }
            y[(batch * positions + position) * n + row] = sum
          }
        }
      }
    }
    return [try result.cast(to: theta.dtype, in: context)]
  }
}

extension AffineGridOp: SpelledOp {
  /// The places of the image, which are numbers, times the transformation.
  public func spelled<C: OpContext>(_ inputs: [C.Value?], in context: inout C) throws -> [C.Value]? {
    guard inputs.count == 2, let theta = inputs[0], let size = inputs[1].flatMap({ context.fact(of: $0).integers }),
      size.count == 4 || size.count == 5, let volume = checkedProduct(size), volume > 0, volume < 1 << 24
    else { return nil }
    let n = size.count - 2, spatial = Array(size[2...]), dtype = context.type(of: theta).dtype
    let identity = (0..<n).flatMap { row in (0...n).map { $0 == row ? 1.0 : 0.0 } }
    let environment = ExecutionContext(primitives: ReferencePrimitives())
    let places = try AffineGridOp(alignCorners: alignCorners).evaluate(
      [NDArray(identity, [1, n, n + 1]), NDArray(([1, 1] + spatial).map(Int64.init), [n + 2])], in: environment)[0].doubles()
    let rows = stride(from: 0, to: places.count, by: n).flatMap { places[$0..<($0 + n)] + [1] }
    let base = try context.constant(try NDArray(rows, [places.count / n, n + 1]).cast(to: dtype, in: environment))
    let grid = try context.matmul(base, try context.transpose(theta, [0, 2, 1]))
    return [try context.reshape(grid, [size[0]] + spatial + [n])]
  }
}
