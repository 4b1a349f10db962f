import ModelGraph
import ModelTensor

/// 1 with the probability that each element of `x` states, else 0; as `dtype`, or `x`'s dtype when `nil`.
public struct BernoulliOp: PrimitiveOp {
  public static let name = "Bernoulli"
  public static let family = OpFamily.random
  public var seed: Int?
  public var dtype: DType?
  public init(seed: Int? = nil, dtype: DType? = nil) {
    self.seed = seed
    self.dtype = dtype
  }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self).type
    return [TensorType(dtype ?? x.dtype, x.shape)]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    guard x.dtype.isFloatingPoint else { throw noKernel(x.dtype) }
    var generator = context.generator(seed: seed)
    let drawn = x.doubles().map { generator.uniform() < $0 }
    return [try NDArray(drawn, x.shape).cast(to: dtype ?? x.dtype, in: context)]
  }
}
