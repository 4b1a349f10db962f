import ModelGraph
import ModelOps
import ModelTensor

extension BatchNormalizationOp: DecomposedForGradients {
  public func decomposeForGradients<C: OpContext>(_ inputs: [C.Value?], in c: inout C) throws -> [C.Value] {
    guard inputs.count >= 5, let x = inputs[0], let mean = inputs[3], let variance = inputs[4] else {
      throw GraphError(.wrongInputCount, "BatchNormalization takes x, scale, bias, mean and variance")
    }
    let rank = try c.rank(of: x), axis = try normalizeAxis(axis, rank: rank)
    func perChannel(_ value: C.Value) throws -> C.Value {
      let count = try c.extents(of: value).reduce(1, *)
      return try c.reshaped(value, (0..<rank).map { $0 == axis ? count : 1 })
    }
    var factor = try c.apply(RsqrtOp(), try c.shifted(try perChannel(variance), by: epsilon))
    if let scale = inputs[1] { factor = try c.mul(factor, try perChannel(scale)) }
    var y = try c.mul(try c.sub(x, try perChannel(mean)), factor)
    if let bias = inputs[2] { y = try c.add(y, try perChannel(bias)) }
    return [y]
  }
}
extension LRNOp: DecomposedForGradients {
  public func decomposeForGradients<C: OpContext>(_ inputs: [C.Value?], in c: inout C) throws -> [C.Value] {
    guard let x = inputs.first ?? nil else { throw GraphError(.wrongInputCount, "LRN takes a tensor") }
    let extents = try c.extents(of: x), axis = try normalizeAxis(axis, rank: extents.count)
    var before = [Int](repeating: 0, count: extents.count), after = before
    before[axis] = (size - 1) / 2
    after[axis] = size - 1 - before[axis]
    let squares = try c.pad(try c.square(x), before: before, after: after)
    var sum: C.Value?
    for offset in 0..<size {
      let part = try c.slice(squares, axis: axis, start: offset, end: offset + extents[axis])
      sum = try sum.map { try c.add($0, part) } ?? part
    }
    guard let sum else { throw GraphError(.invalidAttribute, "LRN over \(size) channels") }
    let base = try c.shifted(try c.scaled(sum, by: alpha / Double(size)), by: bias)
    return [try c.mul(x, try c.pow(base, try c.scalar(-beta, like: x)))]
  }
}
