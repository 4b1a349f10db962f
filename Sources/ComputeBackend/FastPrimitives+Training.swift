import CKernels
import ModelGraph

/// What gradients need.
extension FastPrimitives {
  /// `c = aᵀ · b`, or added to `c`, for `a` of `[k, m]` and `b` of `[k, n]`: neither is rearranged.
  func outerProduct(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ c: UnsafeMutablePointer<Float>, m: Int, n: Int, k: Int, accumulate: Bool
  ) {
    // Rows that stay in the cache while all columns of the result meet them.
    let block = max(64, min(k, (1 << 16) / max(1, m + n)))
    func sum(_ rows: Range<Int>, _ columns: Range<Int>, _ to: UnsafeMutablePointer<Float>, _ accumulate: Bool) {
      for start in stride(from: rows.lowerBound, to: rows.upperBound, by: block) {
        ck_gemm_outer(
          a + start * m, m, 0, b + start * n, n, 0, 1, min(block, rows.upperBound - start), to, n, columns.lowerBound, columns.upperBound,
          n,
          accumulate || start > rows.lowerBound)
      }
    }
    nonisolated(unsafe) let c = c
    let work = m * n * k
    guard threads > 1, work > 1 << 18 else { return sum(0..<k, 0..<m, c, accumulate) }
    // Many rows and a small result: each thread adds up its own.
    if k >= 4 * m, m * n * threads <= 1 << 20, let parts = PackedBuffer.take(m * n * threads) {
      nonisolated(unsafe) let sums = parts.pointer
      let step = (k + threads - 1) / threads
      parallel(threads, grain: 1) { range in
        for part in range where part * step < k {
          sum(part * step..<min(k, (part + 1) * step), 0..<m, sums + part * m * n, false)
        }
      }
      addUp(sums, parts: (k + step - 1) / step, count: m * n, to: c, accumulate: accumulate)
      return PackedBuffer.recycle(parts)
    }
    parallel(m, grain: grain(m, least: 8, multiple: 8)) { sum(0..<k, $0, c, accumulate) }
  }

  private func addUp(_ parts: UnsafePointer<Float>, parts count: Int, count size: Int, to c: UnsafeMutablePointer<Float>, accumulate: Bool)
  {
    for part in 0..<count {
      if part == 0, !accumulate {
        c.update(from: parts, count: size)
      } else {
        ck_binary(Int32(bitPattern: CK_ADD.rawValue), c, parts + part * size, c, 1, size, 0, 0, 1, 1)
      }
    }
  }

  public func filterGradient(
    _ s: ConvolutionShape, _ x: UnsafePointer<Float>, _ g: UnsafePointer<Float>, _ dw: UnsafeMutablePointer<Float>
  ) {
    var geometry = s.geometry
    let rows = s.kernel.reduce(1, *) * s.inputChannels, size = rows * s.outputChannels
    let isPointwise = geometry.kernel.2 == 1 && geometry.padding.2 == 0
    guard geometry.dilation.2 == 1 || isPointwise else { return ReferencePrimitives().filterGradient(s, x, g, dw) }
    // Rows with their padding in them, so that the taps of a row stand side by side.
    var source = x, widened: PackedBuffer?
    geometry.depth = geometry.kernel.2 * geometry.input_channels
    if !isPointwise {
      let taps = geometry.kernel.2, depth = geometry.depth
      guard let copy = widen(x, &geometry) else { return ReferencePrimitives().filterGradient(s, x, g, dw) }
      geometry.kernel.2 = taps
      geometry.depth = depth
      widened = copy
      source = UnsafePointer(copy.pointer)
    }
    nonisolated(unsafe) let (from, to, g) = (source, dw, g)
    let fixed = geometry
    defer { PackedBuffer.recycle(widened) }
    withExtendedLifetime(widened) {
      let parts = min(threads, s.batch)
      if parts > 1, size * parts <= 1 << 21, let sums = PackedBuffer.take(size * parts) {
        nonisolated(unsafe) let own = sums.pointer
        parallel(parts, grain: 1) { range in
          for part in range {
            (own + part * size).update(repeating: 0, count: size)
            withUnsafePointer(to: fixed) {
              ck_filter_gradient($0, from, g, own + part * size, part * s.batch / parts, (part + 1) * s.batch / parts, 0, rows)
            }
          }
        }
        addUp(own, parts: parts, count: size, to: to, accumulate: false)
        return PackedBuffer.recycle(sums)
      }
      to.update(repeating: 0, count: size)
      parallel(rows, grain: grain(rows, least: 8, multiple: 8)) { part in
        withUnsafePointer(to: fixed) { ck_filter_gradient($0, from, g, to, 0, s.batch, part.lowerBound, part.upperBound) }
      }
    }
  }

  public func maxPoolGradient(
    _ s: ConvolutionShape, _ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>, _ g: UnsafePointer<Float>,
    _ dx: UnsafeMutablePointer<Float>
  ) {
    let geometry = s.geometry
    nonisolated(unsafe) let (x, y, g, dx) = (x, y, g, dx)
    parallel(s.batch, grain: grain(s.batch, least: max(1, 16384 / max(1, s.input.reduce(s.inputChannels, *))))) { part in
      withUnsafePointer(to: geometry) { ck_max_pool_gradient($0, s.inputChannels, x, y, g, dx, part.lowerBound, part.upperBound) }
    }
  }

  public func columnSums(
    _ x: UnsafePointer<Float>, centre: UnsafePointer<Float>?, g: UnsafePointer<Float>?, rows: Int, columns: Int,
    _ first: UnsafeMutablePointer<Double>, _ second: UnsafeMutablePointer<Double>
  ) {
    first.update(repeating: 0, count: columns)
    second.update(repeating: 0, count: columns)
    // The same parts whatever the number of threads, so that the sums are the same.
    let step = max(256, (1 << 16) / max(1, columns)), parts = (rows + step - 1) / step
    guard parts > 1, parts * columns <= 1 << 24, let sums = PackedBuffer.take(parts * columns * 4) else {
      return ck_column_sums(x, centre, g, rows, columns, first, second)
    }
    defer { PackedBuffer.recycle(sums) }
    nonisolated(unsafe) let (x, centre, g) = (x, centre, g)
    // Two doubles for each column, where the buffer counts floats.
    sums.pointer.withMemoryRebound(to: Double.self, capacity: parts * columns * 2) { base in
      base.update(repeating: 0, count: parts * columns * 2)
      nonisolated(unsafe) let own = base
      parallel(parts, grain: max(1, parts / (4 * threads))) { range in
        for part in range {
          let start = part * step, to = own + part * columns * 2
          ck_column_sums(
            x + start * columns, centre, g.map { $0 + start * columns }, min(step, rows - start), columns, to, to + columns)
        }
      }
      for part in 0..<parts {
        for c in 0..<columns {
          first[c] += base[part * columns * 2 + c]
          second[c] += base[part * columns * 2 + columns + c]
        }
      }
    }
  }

  public func blendColumns(
    _ g: UnsafePointer<Float>, _ x: UnsafePointer<Float>, a: UnsafePointer<Float>, b: UnsafePointer<Float>, d: UnsafePointer<Float>,
    _ y: UnsafeMutablePointer<Float>, rows: Int, columns: Int
  ) {
    nonisolated(unsafe) let (g, x, a, b, d, y) = (g, x, a, b, d, y)
    parallel(rows, grain: grain(rows, least: max(1, 32768 / max(1, columns)))) { part in
      let start = part.lowerBound * columns
      ck_blend_columns(g + start, x + start, a, b, d, y + start, part.count, columns)
    }
  }

  public func lstmCell(
    _ gates: UnsafeMutablePointer<Float>, before: UnsafePointer<Float>, _ cells: UnsafeMutablePointer<Float>,
    _ hidden: UnsafeMutablePointer<Float>, rows: Int, units: Int
  ) {
    nonisolated(unsafe) let (gates, before, cells, hidden) = (gates, before, cells, hidden)
    parallel(rows, grain: grain(rows, least: max(1, 2048 / max(1, units)))) { part in
      let start = part.lowerBound * units
      ck_lstm_cell(gates + 4 * start, before + start, cells + start, hidden + start, part.count, units)
    }
  }

  public func lstmCellGradient(
    _ gates: UnsafePointer<Float>, before: UnsafePointer<Float>, _ cells: UnsafePointer<Float>, dh: UnsafePointer<Float>,
    dc: UnsafeMutablePointer<Float>, dz: UnsafeMutablePointer<Float>, rows: Int, units: Int
  ) {
    nonisolated(unsafe) let (gates, before, cells, dh, dc, dz) = (gates, before, cells, dh, dc, dz)
    parallel(rows, grain: grain(rows, least: max(1, 2048 / max(1, units)))) { part in
      let start = part.lowerBound * units
      ck_lstm_cell_gradient(
        gates + 4 * start, before + start, cells + start, dh + start, dc + start, dz + 4 * start, part.count, units)
    }
  }

  public func philox(key: UInt64, counter: (UInt64, UInt64), _ y: UnsafeMutablePointer<UInt32>, blocks: Int) {
    nonisolated(unsafe) let y = y
    parallel(blocks, grain: grain(blocks, least: 2048)) { part in
      let (low, overflow) = counter.0.addingReportingOverflow(UInt64(part.lowerBound))
      ck_philox(key, low, overflow ? counter.1 &+ 1 : counter.1, y + part.lowerBound * 4, part.count)
    }
  }
}
