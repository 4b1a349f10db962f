import ModelGraph
import ModelTensor
import RealModule

/// `sampleCount` class indices per row, drawn with probabilities whose unnormalised logarithms are given.
///
/// Input: `[batch, classes]` floats. Result: `[batch, sampleCount]` of `dtype` (int32 or int64).
public struct MultinomialOp: PrimitiveOp {
  public static let name = "Multinomial"
  public static let family = OpFamily.random
  public var sampleCount: Int
  public var seed: Int?
  public var dtype: DType
  public init(sampleCount: Int = 1, seed: Int? = nil, dtype: DType = .int32) {
    self.sampleCount = sampleCount
    self.seed = seed
    self.dtype = dtype
  }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self).type
    guard sampleCount >= 0 else { throw GraphError(.invalidAttribute, "Multinomial draws \(sampleCount) samples") }
    guard let dims = x.shape.dims else { return [TensorType(dtype, .ranked([.unknown, .fixed(sampleCount)]))] }
    guard dims.count == 2 else { throw GraphError(.shapeMismatch, "Multinomial of \(x)") }
    return [TensorType(dtype, .ranked([dims[0], .fixed(sampleCount)]))]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    guard x.dtype.isFloatingPoint else { throw noKernel(x.dtype) }
    guard x.rank == 2, x.shape[1] > 0 || x.shape[0] == 0, sampleCount >= 0 else {
      throw ExecutionError(.shapeMismatch, "Multinomial of \(x.type)")
    }
    let classes = x.shape[1], values = x.doubles()
    let result = try context.allocate(.int64, [x.shape[0], sampleCount])
    var generator = context.generator(seed: seed)
    result.withMutable(Int64.self) { y in
      for row in 0..<x.shape[0] {
        let logits = values[(row * classes)..<((row + 1) * classes)]
        let largest = logits.max() ?? 0
        var total = 0.0
        let cumulative = logits.map { logit in
          total += Double.exp(logit - largest)
          return total
        }
        for sample in 0..<sampleCount {
          let drawn = generator.uniform() * total
          y[row * sampleCount + sample] = Int64(cumulative.firstIndex { drawn < $0 } ?? classes - 1)
        }
      }
    }
    return [try result.cast(to: dtype, in: context)]
  }
}
