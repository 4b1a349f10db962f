import ModelGraph
import ModelTensor

/// An op on each square matrix in the last two axes, computed in double precision.
protocol MatrixOp: PrimitiveOp {
  /// `nil` when the matrix has no such result; `right` is the second input's matrix, row after row.
  func result(of matrix: [Double], _ n: Int, right: [Double], _ columns: Int) -> [Double]?
}

extension MatrixOp {
  public static var family: OpFamily { .linear }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self).type
    if let dims = x.shape.dims {
      guard dims.count >= 2, broadcast(dims[dims.count - 1], dims[dims.count - 2]) != nil else {
        throw GraphError(.shapeMismatch, "\(displayName) of \(x)")
      }
    }
    return [inputs.count > 1 ? try inputs.required(1, of: self).type.unquantized : x.unquantized]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self), y = inputs.optional(1)
    guard x.rank >= 2, x.shape[x.rank - 1] == x.shape[x.rank - 2] else {
      throw ExecutionError(.shapeMismatch, "\(displayName) of \(x.type)")
    }
    guard x.dtype.isFloatingPoint else { throw noKernel(x.dtype) }
    if let y {
      guard y.rank == x.rank, y.dtype == x.dtype, y.shape.dropLast() == x.shape.dropLast() else {
        throw ExecutionError(.shapeMismatch, "\(displayName) of \(x.type) and \(y.type)")
      }
    }
    let n = x.shape[x.rank - 1], columns = y?.shape.last ?? n, shape = y?.shape ?? x.shape
    try context.demand(.float64, shape)
    let values = x.doubles(), right = y?.doubles() ?? []
    var out: [Double] = []
    out.reserveCapacity(shape.reduce(1, *))
    for index in 0..<x.shape.dropLast(2).reduce(1, *) {
      let matrix = Array(values[(index * n * n)..<((index + 1) * n * n)])
      let other = y == nil ? [] : Array(right[(index * n * columns)..<((index + 1) * n * columns)])
      guard let result = result(of: matrix, n, right: other, columns) else {
        throw ExecutionError(.invalidValue, "\(displayName): the matrix is singular or not positive definite")
      }
      out += result
    }
    return [try NDArray(out, shape).cast(to: x.dtype, in: context)]
  }
}

/// The inverse of each matrix.
public struct MatrixInverseOp: MatrixOp {
  public static let name = "MatrixInverse"
  public init() {}
  func result(of matrix: [Double], _ n: Int, right: [Double], _ columns: Int) -> [Double]? {
    var unit = [Double](repeating: 0, count: n * n)
    for i in 0..<n { unit[i * n + i] = 1 }
    return solved(matrix, n, unit, n)
  }
}

/// The `x` of `a · x = b`, by Gaussian elimination with partial pivoting. Inputs: `a` (`[…, n, n]`), `b` (`[…, n, m]`).
public struct MatrixSolveOp: MatrixOp {
  public static let name = "MatrixSolve"
  public init() {}
  func result(of matrix: [Double], _ n: Int, right: [Double], _ columns: Int) -> [Double]? { solved(matrix, n, right, columns) }
}

/// The `x` of `a · x = b`, reading one triangle of `a` only.
public struct TriangularSolveOp: MatrixOp {
  public static let name = "TriangularSolve"
  public var lower: Bool
  public init(lower: Bool = true) { self.lower = lower }
  func result(of matrix: [Double], _ n: Int, right: [Double], _ columns: Int) -> [Double]? {
    var x = right
    for row in lower ? Array(0..<n) : (0..<n).reversed() {
      let pivot = matrix[row * n + row]
      for column in 0..<columns {
        var sum = x[row * columns + column]
        for k in lower ? 0..<row : (row + 1)..<max(n, row + 1) { sum -= matrix[row * n + k] * x[k * columns + column] }
        x[row * columns + column] = sum / pivot
      }
    }
    return x
  }
}

/// The lower triangular `l` of `l · lᵀ = a` for each positive definite matrix.
public struct CholeskyOp: MatrixOp {
  public static let name = "Cholesky"
  public init() {}
  func result(of matrix: [Double], _ n: Int, right: [Double], _ columns: Int) -> [Double]? {
    var l = [Double](repeating: 0, count: n * n)
    for row in 0..<n {
      for column in 0...row {
        var sum = matrix[row * n + column]
        for k in 0..<column { sum -= l[row * n + k] * l[column * n + k] }
        if row == column {
          guard sum > 0 else { return nil }
          l[row * n + row] = sum.squareRoot()
        } else {
          l[row * n + column] = sum / l[column * n + column]
        }
      }
    }
    return l
  }
}

private func solved(_ matrix: [Double], _ n: Int, _ right: [Double], _ columns: Int) -> [Double]? {
  var a = matrix, x = right
  for column in 0..<n {
    var pivot = column
    for row in column..<n where abs(a[row * n + column]) > abs(a[pivot * n + column]) { pivot = row }
    let value = a[pivot * n + column]
    guard value != 0 else { return nil }
    if pivot != column {
      for i in 0..<n { a.swapAt(pivot * n + i, column * n + i) }
      for i in 0..<columns { x.swapAt(pivot * columns + i, column * columns + i) }
    }
    for row in 0..<n where row != column {
      let factor = a[row * n + column] / value
      if factor == 0 { continue }
      for i in column..<n { a[row * n + i] -= factor * a[column * n + i] }
      for i in 0..<columns { x[row * columns + i] -= factor * x[column * columns + i] }
    }
  }
  for row in 0..<n { for i in 0..<columns { x[row * columns + i] /= a[row * n + row] } }
  return x
}
