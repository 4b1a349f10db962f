import ModelGraph
import ModelTensor

/// The matrix product of the last two axes, the leading ones broadcasting (NumPy's `matmul`). A vector is a
/// row on the left and a column on the right, and its axis disappears.
public struct MatMulOp: PreparedOp {
  public static let name = "MatMul"
  public static let family = OpFamily.linear
  public var transposeA: Bool
  public var transposeB: Bool
  public init(transposeA: Bool = false, transposeB: Bool = false) {
    self.transposeA = transposeA
    self.transposeB = transposeB
  }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let a = try inputs.required(0, of: self).type, b = try inputs.required(1, of: self).type
    guard a.dtype == b.dtype else { throw GraphError(.wrongDType, "MatMul of \(a) and \(b)") }
    guard var left = a.shape.dims, var right = b.shape.dims else { return [TensorType(a.dtype, .unranked)] }
    guard !left.isEmpty, !right.isEmpty else { throw GraphError(.shapeMismatch, "MatMul of \(a) and \(b)") }
    let rowVector = left.count == 1, columnVector = right.count == 1
    if rowVector { left.insert(.fixed(1), at: 0) } else if transposeA { left.swapAt(left.count - 1, left.count - 2) }
    if columnVector { right.append(.fixed(1)) } else if transposeB { right.swapAt(right.count - 1, right.count - 2) }
    if let x = left[left.count - 1].value, let y = right[right.count - 2].value, x != y {
      throw GraphError(.shapeMismatch, "MatMul contracts \(x) with \(y) of \(a) and \(b)")
    }
    guard case .ranked(var dims) = try broadcast([.ranked(left.dropLast(2)), .ranked(right.dropLast(2))]) else {
      return [TensorType(a.dtype, .unranked)]
    }
    if !rowVector { dims.append(left[left.count - 2]) }
    if !columnVector { dims.append(right[right.count - 1]) }
    return [TensorType(a.dtype, .ranked(dims))]
  }

  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext, memo: KernelMemo?, into results: inout [NDArray]) throws {
    let a = try inputs.required(0, of: self), b = try inputs.required(1, of: self)
    guard a.dtype == b.dtype, a.rank > 0, b.rank > 0 else { throw ExecutionError(.shapeMismatch, "MatMul of \(a.type) and \(b.type)") }
    if a.dtype == .float16 || a.dtype == .bfloat16 {
      let wide = try evaluate([try a.cast(to: .float32, in: context), try b.cast(to: .float32, in: context)], in: context)
      results.append(try wide[0].cast(to: a.dtype, in: context))
      return
    }
    results.append(try multiply(a, b, try memo.prepared(inputs) { try Plan(self, a, b) }, in: context))
  }

  /// What the product of two shapes looks like.
  private struct Plan {
    let ta: Bool, tb: Bool
    let m: Int, n: Int, k: Int
    let rankA: Int, rankB: Int
    /// Over the leading axes.
    let walk: BroadcastWalk
    let shape: [Int]
    var isSingle: Bool { rankA == 2 && rankB == 2 }
    var batch: Int { walk.shape.reduce(1, *) }

    init(_ op: MatMulOp, _ a: NDArray, _ b: NDArray) throws {
      let rowVector = a.rank == 1, columnVector = b.rank == 1
      let left = rowVector ? [1, a.count] : a.shape, right = columnVector ? [b.count, 1] : b.shape
      (rankA, rankB) = (left.count, right.count)
      ta = op.transposeA && !rowVector
      tb = op.transposeB && !columnVector
      m = left[rankA - (ta ? 1 : 2)]
      k = left[rankA - (ta ? 2 : 1)]
      n = right[rankB - (tb ? 2 : 1)]
      guard k == right[rankB - (tb ? 1 : 2)] else { throw ExecutionError(.shapeMismatch, "MatMul of \(a.type) and \(b.type)") }
      walk = rankA == 2 && rankB == 2 ? .ofElements : try BroadcastWalk([Array(left.dropLast(2)), Array(right.dropLast(2))])
      var shape = walk.shape
      if !rowVector { shape.append(m) }
      if !columnVector { shape.append(n) }
      self.shape = shape
    }
  }

  private func multiply(_ a: NDArray, _ b: NDArray, _ plan: Plan, in context: ExecutionContext) throws -> NDArray {
    let (m, n, k, ta, tb, walk) = (plan.m, plan.n, plan.k, plan.ta, plan.tb, plan.walk)
    let result = try context.allocate(a.dtype, plan.shape)
    let batchStepA = walk.steps[0].last ?? 0, batchStepB = walk.steps[1].last ?? 0
    func run<T>(_: T.Type, _ multiply: (UnsafePointer<T>, UnsafePointer<T>, UnsafeMutablePointer<T>, _ rows: Int) -> Void) {
      a.with(T.self) { x in
        b.with(T.self) { y in
          result.withMutable(T.self) { z in
            guard let z = z.baseAddress, let x = x.baseAddress, let y = y.baseAddress, m * n > 0 else { return }
            if plan.isSingle { multiply(x, y, z, m); return }
            // One weight matrix for all: the batch is more rows.
            if !ta, plan.rankB == 2, plan.rankA > 2 { multiply(x, y, z, a.count / max(k, 1)); return }
            let batch = plan.batch
            // Many small products: each on one thread.
            let left = a.count / max(1, m * k), right = b.count / max(1, k * n)
            if batch > 1, m * n * k < 1 << 22, left == batch || left == 1, right == batch || right == 1 {
              let stepA = left == 1 ? 0 : m * k, stepB = right == 1 ? 0 : k * n
              nonisolated(unsafe) let (x, y, z) = (x, y, z)
              context.primitives.parallel(batch, grain: max(1, (1 << 16) / max(1, m * n * k))) { part in
                for i in part { multiply(x + i * stepA, y + i * stepB, z + i * m * n, m) }
              }
              return
            }
            walk.forEachRun { place, offsets, length in
              for i in 0..<length {
                multiply(
                  x + (offsets[0] + i * batchStepA) * m * k, y + (offsets[1] + i * batchStepB) * k * n,
                  z + (place + i) * m * n, m)
              }
            }
          }
        }
      }
    }
    let p = context.primitives
    if k == 0 { result.withMutableBytes { _ = $0.initializeMemory(as: UInt8.self, repeating: 0) }; return result }
    switch a.dtype {
    case .float32 where !ta && (plan.rankB == 2 || plan.batch == 1):
      run(Float.self) { p.gemm($0, $1, $2, m: $3, n: n, k: k, transposeB: tb, Epilogue(), cache: context.nodeCache) }
    case .float32:
      run(Float.self) { p.gemm($0, $1, $2, m: $3, n: n, k: k, transposeA: ta, transposeB: tb, alpha: 1, beta: 0) }
    case .float64:
      run(Double.self) { p.gemm($0, $1, $2, m: $3, n: n, k: k, transposeA: ta, transposeB: tb, alpha: 1, beta: 0) }
    case .int32 where !ta && !tb: run(Int32.self) { p.gemm($0, $1, $2, m: $3, n: n, k: k) }
    case .int32: run(Int32.self) { multiplyIntegers($0, $1, $2, $3, n, k, ta, tb) }
    case .int64: run(Int64.self) { multiplyIntegers($0, $1, $2, $3, n, k, ta, tb) }
    case .uint32: run(UInt32.self) { multiplyIntegers($0, $1, $2, $3, n, k, ta, tb) }
    case .uint64: run(UInt64.self) { multiplyIntegers($0, $1, $2, $3, n, k, ta, tb) }
    default: throw noKernel(a.dtype)
    }
    return result
  }
}

private func multiplyIntegers<T: FixedWidthInteger>(
  _ a: UnsafePointer<T>, _ b: UnsafePointer<T>, _ c: UnsafeMutablePointer<T>, _ m: Int, _ n: Int, _ k: Int, _ ta: Bool, _ tb: Bool
) {
  for i in 0..<m {
    for j in 0..<n {
      var sum: T = 0
      for p in 0..<k { sum = sum &+ a[ta ? p * m + i : i * k + p] &* b[tb ? j * k + p : p * n + j] }
      c[i * n + j] = sum
    }
  }
}
