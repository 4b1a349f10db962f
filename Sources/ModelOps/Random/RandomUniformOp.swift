import ModelGraph
import ModelTensor

/// Numbers drawn uniformly from `low ..< high`. Input: the shape (integer vector).
///
/// Without a seed the execution's own is used. Frameworks draw other numbers from the same seed.
public struct RandomUniformOp: PrimitiveOp {
  public static let name = "RandomUniform"
  public static let family = OpFamily.random
  public var low: Double
  public var high: Double
  public var seed: Int?
  public var dtype: DType
  public init(low: Double = 0, high: Double = 1, seed: Int? = nil, dtype: DType = .float32) {
    self.low = low
    self.high = high
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
      for i in 0..<y.count { y[i] = low + (high - low) * generator.uniform() }
    }
    return [try wide.cast(to: dtype, in: context)]
  }
}
