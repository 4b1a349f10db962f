import CKernels
import COpenBLAS
import ModelGraph

extension FastPrimitives {
  public func gemm(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ c: UnsafeMutablePointer<Float>,
    m: Int, n: Int, k: Int, transposeA: Bool, transposeB: Bool, alpha: Float, beta: Float
  ) {
    guard m > 0, n > 0 else { return }
    if alpha == 1, beta == 0 || beta == 1, k > 0, !transposeA || m == 1 || k == 1 {
      product(a, b, c, m: m, n: n, k: k, transposeB: transposeB, accumulate: beta == 1, nil, cache: nil)
      return
    }
    if alpha == 1, beta == 0 || beta == 1, k > 0, !transposeB {
      outerProduct(a, b, c, m: m, n: n, k: k, accumulate: beta == 1)
      return
    }
    guard let rows = Int32(exactly: m), let columns = Int32(exactly: n), let depth = Int32(exactly: k), depth > 0,
      copenblas_sgemm(
        Int32(threads), transposeA, transposeB, rows, columns, depth, alpha, a, transposeA ? rows : depth, b,
        transposeB ? depth : columns, beta, c, columns)
    else {
      ReferencePrimitives().gemm(
        a, b, c, m: m, n: n, k: k, transposeA: transposeA, transposeB: transposeB, alpha: alpha, beta: beta)
      return
    }
  }

  public func gemm(
    _ a: UnsafePointer<Double>, _ b: UnsafePointer<Double>, _ c: UnsafeMutablePointer<Double>,
    m: Int, n: Int, k: Int, transposeA: Bool, transposeB: Bool, alpha: Double, beta: Double
  ) {
    guard m > 0, n > 0 else { return }
    guard let rows = Int32(exactly: m), let columns = Int32(exactly: n), let depth = Int32(exactly: k), depth > 0,
      copenblas_dgemm(
        Int32(threads), transposeA, transposeB, rows, columns, depth, alpha, a, transposeA ? rows : depth, b,
        transposeB ? depth : columns, beta, c, columns)
    else {
      ReferencePrimitives().gemm(
        a, b, c, m: m, n: n, k: k, transposeA: transposeA, transposeB: transposeB, alpha: alpha, beta: beta)
      return
    }
  }

  public func gemm(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ c: UnsafeMutablePointer<Float>,
    m: Int, n: Int, k: Int, transposeB: Bool, _ epilogue: Epilogue, cache: NodeCache?
  ) {
    guard m > 0, n > 0 else { return }
    guard k > 0 else {
      ReferencePrimitives().gemm(a, b, c, m: m, n: n, k: k, transposeB: transposeB, epilogue, cache: nil)
      return
    }
    product(a, b, c, m: m, n: n, k: k, transposeB: transposeB, accumulate: false, epilogue, cache: cache)
  }

  public func gemm(
    _ a: UnsafePointer<Int32>, _ b: UnsafePointer<Int32>, _ c: UnsafeMutablePointer<Int32>, m: Int, n: Int, k: Int
  ) {
    nonisolated(unsafe) let (a, b, c) = (a, b, c)
    c.update(repeating: 0, count: m * n)
    parallel(m, grain: grain(m, least: max(1, (1 << 16) / max(1, n * k)))) { rows in
      ck_gemm_int32(a + rows.lowerBound * k, b, c + rows.lowerBound * n, rows.count, n, k)
    }
  }

  /// `c = a · op(b)` for row-major `a`, by whichever kernel suits the sizes.
  private func product(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ c: UnsafeMutablePointer<Float>, m: Int, n: Int, k: Int,
    transposeB: Bool, accumulate: Bool, _ epilogue: Epilogue?, cache: NodeCache?
  ) {
    let e = epilogue.map { CKEpilogue($0, compensates: compensates) } ?? (compensates ? CKEpilogue(Epilogue(), compensates: true) : nil)
    let columns = ck_panel_columns()
    nonisolated(unsafe) let (a, b, c) = (a, b, c)
    if cache == nil, !compensates {
      // What is used only once or twice is not worth packing.
      if transposeB, m <= 2, epilogue == nil {
        parallel(n, grain: grain(n, least: max(4, 65536 / max(1, m * k)), multiple: 4)) { part in
          ck_gemm_dots(a, k, b, k, c, n, m, k, part.lowerBound, part.upperBound, accumulate)
        }
        return
      }
      if !transposeB, m <= 2 * ck_tile_rows(), k < 4096 || m <= 2 {
        parallel(n, grain: grain(n, least: max(columns, 65536 / max(1, m * k)), multiple: columns)) { part in
          withEpilogue(e) { ck_gemm_plain(a, k, b, n, c, n, k, n, 0, m, part.lowerBound, part.upperBound, accumulate, $0) }
        }
        return
      }
    }
    let panels = (n + columns - 1) / columns, size = columns * k
    func fill(_ to: UnsafeMutablePointer<Float>) {
      nonisolated(unsafe) let to = to
      parallel(panels, grain: grain(panels, least: max(1, 16384 / max(1, size)))) { part in
        let first = part.lowerBound * columns, count = min(n, part.upperBound * columns) - first
        ck_pack_panels(
          b + first * (transposeB ? k : 1), k, count, transposeB ? 1 : n, transposeB ? k : 1, to + part.lowerBound * size)
      }
    }
    guard let packed = packed(b, .init(4, n, k, transposeB ? 1 : 0), count: ck_packed_count(k, n), cache, fill) else {
      ReferencePrimitives().gemm(
        a, b, c, m: m, n: n, k: k, transposeA: false, transposeB: transposeB, alpha: 1, beta: accumulate ? 1 : 0)
      if let epilogue { for i in 0..<(m * n) { c[i] = epilogue.apply(c[i], channel: i % n, place: i) } }
      return
    }
    let weights = UnsafePointer(packed.pointer)
    withExtendedLifetime(packed) {
      split(pixels: m, panels: panels, depth: k, groups: 1) { _, rows, part in
        withEpilogue(e) {
          ck_gemm_packed(
            a, k, weights, c, n, k, n, rows.lowerBound, rows.upperBound, part.lowerBound, part.upperBound, accumulate, $0)
        }
      }
    }
    if cache == nil { PackedBuffer.recycle(packed) }
  }

  private func withEpilogue(_ e: CKEpilogue?, _ body: (UnsafePointer<ck_epilogue>?) -> Void) {
    guard let e else { body(nil); return }
    withUnsafePointer(to: e.value) { body($0) }
  }
}
