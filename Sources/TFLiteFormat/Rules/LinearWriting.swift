import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

let linearWriting: [WritingRule] = [
  .writes(MatMulOp.self) { op, x, w in [try writeMatMul(op, x, &w)] },
  .writes(FullyConnectedOp.self) { op, x, w in
    let value = try x.required(0), weights = try x.required(1), type = try w.types(op, x)[0]
    guard value.dtype == .float32, weights.dtype == .float32, weights.type.shape.rank == 2 else {
      return try op.decompose(x.values, in: &w)
    }
    var options = FullyConnectedOptions()
    options.keepNumDims = op.keepDims
    let bias = x[2].map { [$0] } ?? []
    return [try w.emit(.fullyConnected, [value, weights] + bias, .fullyConnectedOptions(options), as: type)]
  },
]

/// A matrix product by constant weights is `FULLY_CONNECTED`, any other `BATCH_MATMUL`.
private func writeMatMul(_ op: MatMulOp, _ inputs: RuleInputs, _ w: inout OperatorWriter) throws -> OutValue {
  let result = try w.types(op, inputs)[0]
  var a = try inputs.required(0), b = try inputs.required(1), direct = op
  let dtype = a.dtype
  let isVectorA = a.type.shape.rank == 1, isVectorB = b.type.shape.rank == 1
  if isVectorA {
    a = try w.unsqueeze(a, [0])
    direct.transposeA = false
  }
  if isVectorB {
    b = try w.unsqueeze(b, [1])
    direct.transposeB = false
  }
  guard dtype != .string else { throw UnsupportedError("TFLite multiplies no matrices of strings") }
  guard dtype.isFloatingPoint else { return try w.integerMatMul(a, b, direct, result, isVectorA, isVectorB) }
  a = try w.cast(a, to: .float32)
  b = try w.cast(b, to: .float32)
  let type = try direct.infer([a.fact, b.fact])[0]
  var y: OutValue
  if let extents = b.type.shape.extents, extents.count == 2, b.fact.constant != nil, !direct.transposeA, let rank = a.type.shape.rank,
    rank >= 2, a.type.shape.dims?.last?.value == extents[direct.transposeB ? 1 : 0]
  {
    let weights = direct.transposeB ? b : try w.permuted(b, [1, 0])
    var options = FullyConnectedOptions()
    options.keepNumDims = rank > 2
    y = try w.emit(.fullyConnected, [a, weights], .fullyConnectedOptions(options), as: type)
  } else {
    y = try w.batchMatMul(a, b, direct, type)
  }
  if isVectorB { y = try w.squeeze(y, [-1]) }
  if isVectorA { y = try w.squeeze(y, [isVectorB ? -1 : -2]) }
  return w.refined(try w.cast(y, to: dtype), result)
}

extension OperatorWriter {
  fileprivate mutating func batchMatMul(_ a: OutValue, _ b: OutValue, _ op: MatMulOp, _ type: TensorType) throws -> OutValue {
    var a = a, b = b
    let rankA = try rank(of: a), rankB = try rank(of: b)
    var options = BatchMatMulOptions()
    options.adjX = op.transposeA
    options.adjY = op.transposeB
    guard max(rankA, rankB) > 5 else { return try emit(.batchMatmul, [a, b], .batchMatMulOptions(options), as: type) }
    // More batch axes than the kernel takes are made one.
    guard let dims = type.shape.extents, let ea = a.type.shape.extents, let eb = b.type.shape.extents else {
      throw UnsupportedError("a product of matrices in more than three axes of unknown extents")
    }
    let batch = Array(dims.dropLast(2))
    func flat(_ value: OutValue, _ extents: [Int]) throws -> OutValue {
      let full = batch + extents.suffix(2)
      let wide = full == extents ? value : try broadcast(value, try int32s(full), TensorType(value.dtype, full))
      return try reshape(wide, [batch.reduce(1, *)] + extents.suffix(2))
    }
    (a, b) = (try flat(a, ea), try flat(b, eb))
    let product = try emit(
      .batchMatmul, [a, b], .batchMatMulOptions(options), as: TensorType(type.dtype, [batch.reduce(1, *)] + dims.suffix(2)))
    return try reshape(product, dims)
  }

  /// Integers: LiteRT multiplies no matrices of them, so products are added up.
  fileprivate mutating func integerMatMul(
    _ a: OutValue, _ b: OutValue, _ op: MatMulOp, _ result: TensorType, _ isVectorA: Bool, _ isVectorB: Bool
  ) throws -> OutValue {
    let rankA = try rank(of: a), rankB = try rank(of: b), dtype = a.dtype
    var x = try cast(a, to: .int64), y = try cast(b, to: .int64)
    if op.transposeA { x = try transpose(x, Array(0..<(rankA - 2)) + [rankA - 1, rankA - 2]) }
    if op.transposeB { y = try transpose(y, Array(0..<(rankB - 2)) + [rankB - 1, rankB - 2]) }
    let product = try mul(try unsqueeze(x, [rankA]), try unsqueeze(y, [rankB - 2]))
    let summed = try reduce(.sum, product, axes: [try rank(of: product) - 2])
    var z = summed
    if isVectorB { z = try squeeze(z, [-1]) }
    if isVectorA { z = try squeeze(z, [isVectorB ? -1 : -2]) }
    return refined(try cast(z, to: dtype), result)
  }
}
