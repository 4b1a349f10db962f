import ModelGraph
import ModelTensor

/// The determinant of each square matrix in the last two axes, by LU decomposition with partial pivoting.
public struct DetOp: PrimitiveOp {
  public static let name = "Det"
  public static let family = OpFamily.arithmetic
  public init() {}
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self).type
    guard let dims = x.shape.dims else { return [TensorType(x.dtype, .unranked)] }
    guard dims.count >= 2, broadcast(dims[dims.count - 1], dims[dims.count - 2]) != nil else {
      throw GraphError(.shapeMismatch, "Det of \(x)")
    }
    return [TensorType(x.dtype, .ranked(dims.dropLast(2)))]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    guard x.rank >= 2, x.shape[x.rank - 1] == x.shape[x.rank - 2] else { throw ExecutionError(.shapeMismatch, "Det of \(x.type)") }
    guard x.dtype.isFloatingPoint else { throw noKernel(x.dtype) }
    let n = x.shape[x.rank - 1], values = x.doubles(), shape = Array(x.shape.dropLast(2))
    try context.demand(.float64, shape)
    let results = (0..<shape.reduce(1, *)).map { determinant(Array(values[($0 * n * n)..<(($0 + 1) * n * n)]), n) }
    return [try NDArray(results, shape).cast(to: x.dtype, in: context)]
  }
}

private func determinant(_ matrix: [Double], _ n: Int) -> Double {
  var m = matrix, result = 1.0
  for column in 0..<n {
    var pivot = column
    for row in column..<n where abs(m[row * n + column]) > abs(m[pivot * n + column]) { pivot = row }
    let value = m[pivot * n + column]
    if value == 0 { return 0 }
    if pivot != column {
      for i in 0..<n { m.swapAt(pivot * n + i, column * n + i) }
      result = -result
    }
    result *= value
    for row in (column + 1)..<max(n, column + 1) {
      let factor = m[row * n + column] / value
      for i in column..<n { m[row * n + i] -= factor * m[column * n + i] }
    }
  }
  return result
}
