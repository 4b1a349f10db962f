import ModelGraph
import ModelTensor

/// `(x − mean) / √(variance + epsilon) · scale + bias`, mean and variance over `axes` (Ba et al., 2016).
///
/// Inputs: `x`, `scale?`, `bias?` of the extents of the axes (or broadcasting to them). With `resultCount` 3 the mean and the inverse
/// standard deviation are results too.
public struct LayerNormalizationOp: CompositeOp {
  public static let name = "LayerNormalization"
  public static let family = OpFamily.normalization
  public var axes: [Int]
  public var epsilon: Double
  public var resultCount: Int
  public init(axes: [Int], epsilon: Double = 1e-5, resultCount: Int = 1) {
    self.axes = axes
    self.epsilon = epsilon
    self.resultCount = resultCount
  }
  public func decompose<C: OpContext>(_ inputs: [C.Value?], in context: inout C) throws -> [C.Value] {
    guard let input = inputs.first ?? nil else { throw GraphError(.wrongInputCount, "LayerNormalization takes a tensor") }
    let dtype = context.type(of: input).dtype
    let x = dtype == .float64 ? input : try context.cast(input, to: .float32)
    let mean = try context.reduce(.mean, x, axes: axes, keepDims: true)
    let centred = try context.sub(x, mean)
    let variance = try context.reduce(.mean, try context.apply(SquareOp(), centred), axes: axes, keepDims: true)
    let inverse = try context.apply(RsqrtOp(), try context.add(variance, try context.scalar(epsilon, like: variance)))
    var y = try context.cast(try context.mul(centred, inverse), to: dtype)
    let rank = try context.rank(of: input)
    let normal = try axes.map { try normalizeAxis($0, rank: rank) }
    for (index, isScale) in [(1, true), (2, false)] {
      guard index < inputs.count, var weight = inputs[index] else { continue }
      // Axes that are not the trailing ones need the weight's axes put where they belong.
      if normal.sorted() != Array((rank - normal.count)..<rank), let dims = context.type(of: weight).shape.extents,
        dims.count == normal.count
      {
        var shape = [Int](repeating: 1, count: rank)
        for (axis, extent) in zip(normal.sorted(), dims) { shape[axis] = extent }
        weight = try context.reshape(weight, shape)
      }
      y = isScale ? try context.mul(y, weight) : try context.add(y, weight)
    }
    return resultCount >= 3 ? [y, mean, inverse] : (resultCount == 2 ? [y, mean] : [y])
  }
}

extension LayerNormalizationOp: PrimitiveOp {
  /// Float32 along the trailing axes goes to the primitive; anything else by decomposition.
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self), scale = inputs.optional(1), shift = inputs.optional(2)
    let normal = try axes.map { try normalizeAxis($0, rank: x.rank) }.sorted()
    let extents = Array(x.shape.suffix(normal.count)), count = extents.reduce(1, *)
    guard x.dtype == .float32, resultCount <= 1, !normal.isEmpty, normal == Array((x.rank - normal.count)..<x.rank), x.count > 0,
      [scale, shift].allSatisfy({ $0 == nil || $0?.dtype == .float32 && $0?.shape == extents })
    else {
      var eager = EagerContext(context)
      return try decompose(inputs, in: &eager)
    }
    let result = try context.allocate(.float32, x.shape)
    func pointer(_ array: NDArray?) -> UnsafePointer<Float>? { array?.with(Float.self) { $0.baseAddress } }
    x.with(Float.self) { source in
      result.withMutable(Float.self) { y in
        guard let from = source.baseAddress, let to = y.baseAddress else { return }
        withExtendedLifetime((scale, shift)) {
          context.primitives.normalize(
            from, scale: pointer(scale), shift: pointer(shift), to, rows: x.count / count, count: count, epsilon: Float(epsilon))
        }
      }
    }
    return [result]
  }
}
