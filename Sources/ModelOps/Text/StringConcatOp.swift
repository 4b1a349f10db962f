import ModelGraph
import ModelTensor

/// `a` followed by `b`, element by element; the two broadcast.
public struct StringConcatOp: BinaryElementwiseOp {
  public static let name = "StringConcat"
  public static let family = OpFamily.text
  public init() {}
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] { try inferBroadcast(inputs) }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let (a, b) = try operands(inputs)
    guard a.dtype == .string else { throw noKernel(a.dtype) }
    let walk = try BroadcastWalk([a.shape, b.shape])
    guard let count = checkedProduct(walk.shape), count <= 1 << 28 else {
      throw ExecutionError(.limitExceeded, "StringConcat to \(walk.shape)")
    }
    let x = a.strings, y = b.strings
    let stepA = walk.steps[0].last ?? 0, stepB = walk.steps[1].last ?? 0
    var out = [[UInt8]](repeating: [], count: count)
    walk.forEachRun { place, offsets, length in
      for i in 0..<length { out[place + i] = x[offsets[0] + i * stepA] + y[offsets[1] + i * stepB] }
    }
    return [NDArray(strings: out, walk.shape)]
  }
}
