import ModelGraph
import ModelTensor
import RealModule

/// Takes each matrix in the last two axes apart, in double precision.
protocol FactorizationOp: PrimitiveOp {
  /// What stands in the place of a matrix' two extents, for each result.
  func shapes(_ rows: Dim, _ columns: Dim) -> [[Dim]]
  /// The results for one matrix, row after row; `nil` when it has none.
  func factors(_ matrix: Matrix) -> [[Double]]?
  var needsSquare: Bool { get }
  func dtype(_ result: Int, _ input: DType) -> DType
}

extension FactorizationOp {
  public static var family: OpFamily { .linear }
  func dtype(_ result: Int, _ input: DType) -> DType { input }
  static func least(_ a: Dim, _ b: Dim) -> Dim {
    if let x = a.value, let y = b.value { return .fixed(min(x, y)) }
    return a == b ? a : .unknown
  }

  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self).type
    guard let dims = x.shape.dims else { return shapes(.unknown, .unknown).indices.map { TensorType(dtype($0, x.dtype), .unranked) } }
    guard dims.count >= 2, !needsSquare || broadcast(dims[dims.count - 1], dims[dims.count - 2]) != nil else {
      throw GraphError(.shapeMismatch, "\(displayName) of \(x)")
    }
    return shapes(dims[dims.count - 2], dims[dims.count - 1]).enumerated().map { index, shape in
      TensorType(dtype(index, x.dtype), .ranked(dims.dropLast(2) + shape))
    }
  }

  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    guard x.dtype.isFloatingPoint else { throw noKernel(x.dtype) }
    guard x.rank >= 2, !needsSquare || x.shape[x.rank - 1] == x.shape[x.rank - 2] else {
      throw ExecutionError(.shapeMismatch, "\(displayName) of \(x.type)")
    }
    let rows = x.shape[x.rank - 2], columns = x.shape[x.rank - 1], lead = Array(x.shape.dropLast(2)), batch = lead.reduce(1, *)
    let shapes = shapes(.fixed(rows), .fixed(columns)).map { $0.compactMap(\.value) }
    for shape in shapes { try context.demand(.float64, lead + shape) }
    let values = x.doubles()
    var results = shapes.map { _ in [Double]() }
    for index in 0..<batch {
      let matrix = Matrix(rows, columns, Array(values[(index * rows * columns)..<((index + 1) * rows * columns)]))
      guard let factors = factors(matrix) else { throw ExecutionError(.invalidValue, "\(displayName): the matrix has no such factors") }
      for (place, factor) in factors.enumerated() { results[place] += factor }
    }
    return try zip(results.indices, shapes).map { place, shape in
      try NDArray(results[place], lead + shape).cast(to: dtype(place, x.dtype), in: context)
    }
  }
}

/// A matrix, row after row.
struct Matrix {
  var rows: Int
  var columns: Int
  var values: [Double]
  init(_ rows: Int, _ columns: Int, _ values: [Double]) {
    self.rows = rows
    self.columns = columns
    self.values = values
  }
  init(identity rows: Int, _ columns: Int) {
    self.init(rows, columns, [Double](repeating: 0, count: rows * columns))
    for i in 0..<min(rows, columns) { self[i, i] = 1 }
  }
  subscript(row: Int, column: Int) -> Double {
    get { values[row * columns + column] }
    set { values[row * columns + column] = newValue }
  }
  var transposed: Matrix {
    var result = Matrix(columns, rows, values)
    for i in 0..<rows { for j in 0..<columns { result[j, i] = self[i, j] } }
    return result
  }
  /// The first of its columns.
  func prefix(_ count: Int) -> Matrix {
    var result = Matrix(rows, count, [Double](repeating: 0, count: rows * count))
    for i in 0..<rows { for j in 0..<min(count, columns) { result[i, j] = self[i, j] } }
    return result
  }
}

/// `q · r` with orthonormal columns in `q` and an upper triangle in `r`, by Householder's reflections (Golub and Van Loan, 5.2).
/// Whole matrices `[m, m]` and `[m, n]`, or what their first columns need.
public struct QROp: FactorizationOp {
  public static let name = "QR"
  public var isWhole: Bool
  public init(isWhole: Bool = false) { self.isWhole = isWhole }
  var needsSquare: Bool { false }
  func shapes(_ m: Dim, _ n: Dim) -> [[Dim]] {
    let inner = isWhole ? m : Self.least(m, n)
    return [[m, inner], [inner, n]]
  }
  func factors(_ matrix: Matrix) -> [[Double]]? {
    var r = matrix, reflections: [(vector: [Double], factor: Double)] = []
    let m = matrix.rows, n = matrix.columns, k = min(m, n)
    for step in 0..<k {
      var tail = 0.0
      for i in (step + 1)..<max(m, step + 1) { tail += r[i, step] * r[i, step] }
      let head = r[step, step]
      var vector = [Double](repeating: 0, count: m), factor = 0.0
      if tail > .leastNormalMagnitude {
        let norm = (head * head + tail).squareRoot(), pivot = head >= 0 ? -norm : norm
        vector[step] = 1
        for i in (step + 1)..<m { vector[i] = r[i, step] / (head - pivot) }
        factor = (pivot - head) / pivot
        Self.reflect(&r, vector, factor, from: step)
        for i in (step + 1)..<m { r[i, step] = 0 }
      }
      reflections.append((vector, factor))
    }
    let inner = isWhole ? m : k
    var q = Matrix(identity: m, inner)
    for (vector, factor) in reflections.reversed() where factor != 0 { Self.reflect(&q, vector, factor, from: 0) }
    return [q.values, Array(r.values.prefix(inner * n))]
  }
  /// `a − factor · v · (vᵀ · a)`.
  private static func reflect(_ a: inout Matrix, _ v: [Double], _ factor: Double, from column: Int) {
    for j in column..<max(a.columns, column) {
      var sum = 0.0
      for i in 0..<a.rows { sum += v[i] * a[i, j] }
      for i in 0..<a.rows { a[i, j] -= factor * sum * v[i] }
    }
  }
}

/// Eigenvalues in ascending order and, in columns, eigenvectors of symmetric matrices, of which the lower triangle is read: by Jacobi's
/// rotations (Golub and Van Loan, 8.5). The vectors' signs are free.
public struct SymmetricEigenOp: FactorizationOp {
  public static let name = "SymmetricEigen"
  public init() {}
  var needsSquare: Bool { true }
  func shapes(_ m: Dim, _ n: Dim) -> [[Dim]] { [[n], [n, n]] }
  func factors(_ matrix: Matrix) -> [[Double]]? {
    let n = matrix.rows
    var a = matrix, vectors = Matrix(identity: n, n)
    for i in 0..<n { for j in 0..<i { a[j, i] = a[i, j] } }
    guard a.values.allSatisfy(\.isFinite) else { return nil }
    for _ in 0..<64 {
      var off = 0.0, all = 0.0
      for i in 0..<n { for j in 0..<n { (i == j ? (all += a[i, j] * a[i, j]) : (off += a[i, j] * a[i, j])) } }
      guard off > 1e-30 * (all + off) else { break }
      for p in 0..<n {
        for q in (p + 1)..<max(n, p + 1) where a[p, q] != 0 {
          let theta = (a[q, q] - a[p, p]) / (2 * a[p, q])
          let t = (theta >= 0 ? 1.0 : -1.0) / (abs(theta) + (theta * theta + 1).squareRoot())
          let c = 1 / (t * t + 1).squareRoot(), s = t * c
          for k in 0..<n { (a[k, p], a[k, q]) = (c * a[k, p] - s * a[k, q], s * a[k, p] + c * a[k, q]) }
          for k in 0..<n { (a[p, k], a[q, k]) = (c * a[p, k] - s * a[q, k], s * a[p, k] + c * a[q, k]) }
          for k in 0..<n { (vectors[k, p], vectors[k, q]) = (c * vectors[k, p] - s * vectors[k, q], s * vectors[k, p] + c * vectors[k, q]) }
        }
      }
    }
    let order = (0..<n).sorted { a[$0, $0] < a[$1, $1] }
    var sorted = vectors
    for (place, column) in order.enumerated() { for i in 0..<n { sorted[i, place] = vectors[i, column] } }
    return [order.map { a[$0, $0] }, sorted.values]
  }
}

/// Singular values in descending order and the vectors `u`, `v` of `u · s · vᵀ`, by one-sided Jacobi rotations (Golub and Van Loan,
/// 8.6). Vectors for all values, or whole bases. Their signs are free.
public struct SVDOp: FactorizationOp {
  public static let name = "SVD"
  public var isWhole: Bool
  public init(isWhole: Bool = false) { self.isWhole = isWhole }
  var needsSquare: Bool { false }
  func shapes(_ m: Dim, _ n: Dim) -> [[Dim]] {
    let k = Self.least(m, n)
    return [[k], [m, isWhole ? m : k], [n, isWhole ? n : k]]
  }
  func factors(_ matrix: Matrix) -> [[Double]]? {
    guard matrix.values.allSatisfy(\.isFinite) else { return nil }
    if matrix.rows < matrix.columns { return factors(matrix.transposed).map { [$0[0], $0[2], $0[1]] } }
    let m = matrix.rows, n = matrix.columns
    var a = matrix, v = Matrix(identity: n, n)
    for _ in 0..<64 {
      var isDone = true
      for p in 0..<n {
        for q in (p + 1)..<max(n, p + 1) {
          var alpha = 0.0, beta = 0.0, gamma = 0.0
          for i in 0..<m {
            alpha += a[i, p] * a[i, p]
            beta += a[i, q] * a[i, q]
            gamma += a[i, p] * a[i, q]
          }
          guard abs(gamma) > 1e-15 * (alpha * beta).squareRoot(), gamma != 0 else { continue }
          isDone = false
          let zeta = (beta - alpha) / (2 * gamma), t = (zeta >= 0 ? 1.0 : -1.0) / (abs(zeta) + (1 + zeta * zeta).squareRoot())
          let c = 1 / (1 + t * t).squareRoot(), s = c * t
          for i in 0..<m { (a[i, p], a[i, q]) = (c * a[i, p] - s * a[i, q], s * a[i, p] + c * a[i, q]) }
          for i in 0..<n { (v[i, p], v[i, q]) = (c * v[i, p] - s * v[i, q], s * v[i, p] + c * v[i, q]) }
        }
      }
      if isDone { break }
    }
    let norms = (0..<n).map { column in (0..<m).reduce(0.0) { $0 + a[$1, column] * a[$1, column] }.squareRoot() }
    let order = (0..<n).sorted { norms[$0] > norms[$1] }
    var left: [[Double]] = [], right = Matrix(n, n, v.values)
    let floor = (norms.max() ?? 0) * 1e-14
    for (place, column) in order.enumerated() {
      for i in 0..<n { right[i, place] = v[i, column] }
      if norms[column] > floor { left.append((0..<m).map { a[$0, column] / norms[column] }) }
    }
    Self.complete(&left, m, isWhole ? m : n)
    var u = Matrix(m, left.count, [Double](repeating: 0, count: m * left.count))
    for (column, vector) in left.enumerated() { for i in 0..<m { u[i, column] = vector[i] } }
    return [order.map { norms[$0] }, u.values, right.values]
  }

  /// More vectors, orthogonal to those that are there.
  private static func complete(_ vectors: inout [[Double]], _ length: Int, _ count: Int) {
    var next = 0
    while vectors.count < count, next < length {
      var candidate = [Double](repeating: 0, count: length)
      candidate[next] = 1
      next += 1
      for _ in 0..<2 {
        for known in vectors {
          let along = zip(known, candidate).reduce(0.0) { $0 + $1.0 * $1.1 }
          for i in 0..<length { candidate[i] -= along * known[i] }
        }
      }
      let norm = candidate.reduce(0.0) { $0 + $1 * $1 }.squareRoot()
      if norm > 0.5 / Double(max(1, length)).squareRoot() { vectors.append(candidate.map { $0 / norm }) }
    }
  }
}

/// Rows in the order `p`, as a lower triangle with ones on the diagonal times an upper one, both in one matrix: by elimination with
/// partial pivoting. Results: the matrix, `p` (int64).
public struct LUOp: FactorizationOp {
  public static let name = "LU"
  public init() {}
  var needsSquare: Bool { true }
  func shapes(_ m: Dim, _ n: Dim) -> [[Dim]] { [[m, n], [m]] }
  func dtype(_ result: Int, _ input: DType) -> DType { result == 0 ? input : .int64 }
  func factors(_ matrix: Matrix) -> [[Double]]? {
    guard let (a, order, _) = Self.eliminated(matrix) else { return nil }
    return [a.values, order.map(Double.init)]
  }
  static func eliminated(_ matrix: Matrix) -> (Matrix, order: [Int], sign: Double)? {
    let n = matrix.rows
    var a = matrix, order = Array(0..<n), sign = 1.0
    for column in 0..<n {
      var pivot = column
      for row in column..<n where abs(a[row, column]) > abs(a[pivot, column]) { pivot = row }
      guard a[pivot, column] != 0 else { return nil }
      if pivot != column {
        for j in 0..<n { a.values.swapAt(pivot * n + j, column * n + j) }
        order.swapAt(pivot, column)
        sign = -sign
      }
      for row in (column + 1)..<max(n, column + 1) {
        let factor = a[row, column] / a[column, column]
        a[row, column] = factor
        for j in (column + 1)..<n { a[row, j] -= factor * a[column, j] }
      }
    }
    return (a, order, sign)
  }
}

/// Sign and logarithm of the magnitude of each determinant.
public struct LogDeterminantOp: FactorizationOp {
  public static let name = "LogDeterminant"
  public init() {}
  var needsSquare: Bool { true }
  func shapes(_ m: Dim, _ n: Dim) -> [[Dim]] { [[], []] }
  func factors(_ matrix: Matrix) -> [[Double]]? {
    guard let (a, _, sign) = LUOp.eliminated(matrix) else { return [[0], [-.infinity]] }
    let diagonal = (0..<matrix.rows).map { a[$0, $0] }
    return [[diagonal.reduce(sign) { $0 * ($1 < 0 ? -1 : 1) }], [diagonal.reduce(0.0) { $0 + Double.log(abs($1)) }]]
  }
}
