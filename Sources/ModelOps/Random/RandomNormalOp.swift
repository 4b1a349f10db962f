import ModelGraph
import ModelTensor
import RealModule

/// Numbers drawn from the normal distribution, by Box and Muller's method. Input: the shape (integer vector).
///
/// Without a seed the execution's own is used. Frameworks draw other numbers from the same seed.
public struct RandomNormalOp: PrimitiveOp {
  public static let name = "RandomNormal"
  public static let family = OpFamily.random
  public var mean: Double
  public var scale: Double
  public var seed: Int?
  public var dtype: DType
  public init(mean: Double = 0, scale: Double = 1, seed: Int? = nil, dtype: DType = .float32) {
    self.mean = mean
    self.scale = scale
    self.seed = seed
    self.dtype = dtype
  }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    try inferRequestedShape(inputs, dtype: dtype, of: self)
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let shape = try requestedShape(inputs, of: self)
    var generator = context.generator(seed: seed)
    let wide = try context.allocate(.float64, shape)
    wide.withMutable(Double.self) { y in
      var i = 0
      while i < y.count {
        let radius = (-2 * Double.log(1 - generator.uniform())).squareRoot()
        let angle = 2 * Double.pi * generator.uniform()
        y[i] = mean + scale * radius * Double.cos(angle)
        if i + 1 < y.count { y[i + 1] = mean + scale * radius * Double.sin(angle) }
        i += 2
      }
    }
    return [try wide.cast(to: dtype, in: context)]
  }
}
