import CKernels
import ModelGraph

/// Convolutions of 8-bit integers by products of bytes. Each says whether it could: the instruction set, the weights and the scheme decide.
extension FastPrimitives {
  func denseBytes(
    _ s: ConvolutionShape, _ x: StoredIntegers, _ w: UnsafePointer<Int16>, _ scheme: Requantization, _ y: StoredResults, taps: Int,
    _ cache: NodeCache?
  ) -> Bool {
    let outputs = s.outputChannels / s.groups, k = taps * (s.inputChannels / s.groups), each = ck_packed_bytes(k, outputs)
    guard each > 0, x.kind != .int16, y.kind != .int16, suits(scheme, k, s.outputChannels),
      let weights = packedBytes(
        w, .init(7, k, outputs, s.groups, Int(x.kind.code), Int(x.zero)), count: each * s.groups, cache,
        { to in
          (0..<s.groups).allSatisfy { group in
            ck_pack_bytes(w + group * outputs * k, k, outputs, x.kind.code, x.zero, to + group * each)
          }
        })
    else { return false }
    let geometry = s.geometry, pixels = s.batch * s.output.reduce(1, *), columns = ck_panel_columns()
    let panels = (outputs + columns - 1) / columns
    let scratchCount = withUnsafePointer(to: geometry) { ck_byte_scratch($0) }
    // Many pixels are cut; of few, each thread takes all and some of the panels.
    let least = max(ck_tile_rows() * 4, (1 << 17) / max(1, k * outputs))
    let rows = threads == 1 ? max(1, pixels) : grain(pixels, least: least, multiple: ck_tile_rows())
    let parts = max(1, (pixels + rows - 1) / rows)
    let step = parts >= threads ? panels : max(1, (panels + threads - 1) / threads), cuts = (panels + step - 1) / step
    nonisolated(unsafe) let (start, x, y, scheme) = (UnsafeRawPointer(weights.pointer), x, y, scheme.inC)
    nonisolated(unsafe) var failed = false
    withExtendedLifetime(weights) {
      parallel(parts * cuts * s.groups, grain: 1) { items in
        guard let scratch = ck_scratch(scratchCount) else { failed = true; return }
        withUnsafePointer(to: geometry) { g in
          withUnsafePointer(to: scheme) { q in
            for item in items {
              let group = item / (parts * cuts), cut = item / parts % cuts * step, first = item % parts * rows
              ck_convolve_bytes(
                g, x.pointer, x.kind.code, x.zero, start + group * each, q, y.pointer, scratch, group, first, min(first + rows, pixels),
                cut, min(cut + step, panels))
            }
          }
        }
      }
    }
    return !failed
  }

  func depthwiseBytes(
    _ s: ConvolutionShape, _ x: StoredIntegers, _ w: UnsafePointer<Int16>, _ scheme: Requantization, _ y: StoredResults, taps: Int,
    _ cache: NodeCache?
  ) -> Bool {
    let geometry = s.geometry, channels = s.outputChannels
    let (size, scratchCount) = withUnsafePointer(to: geometry) { (ck_packed_byte_taps($0), ck_byte_taps_scratch($0)) }
    guard size > 0, y.kind != .int16, suits(scheme, taps, channels),
      let weights = packedBytes(
        w, .init(8, taps, channels, size, Int(x.kind.code), Int(x.zero)), count: size, cache,
        { to in withUnsafePointer(to: geometry) { ck_pack_byte_taps($0, w, x.kind.code, x.zero, to) } })
    else { return false }
    let rows = s.batch * geometry.output.1, work = geometry.output.2 * channels * taps
    nonisolated(unsafe) let (start, x, y, scheme) = (UnsafeRawPointer(weights.pointer), x, y, scheme.inC)
    nonisolated(unsafe) var failed = false
    withExtendedLifetime(weights) {
      parallel(rows, grain: threads == 1 ? rows : grain(rows, least: max(1, 65536 / max(1, work)))) { part in
        guard let scratch = ck_scratch(scratchCount) else { failed = true; return }
        withUnsafePointer(to: geometry) { g in
          withUnsafePointer(to: scheme) {
            ck_depthwise_bytes(
              g, x.pointer, x.kind.code, x.zero, start, $0, y.pointer, y.kind.code, scratch, part.lowerBound, part.upperBound)
          }
        }
      }
    }
    return !failed
  }

  private func suits(_ scheme: Requantization, _ k: Int, _ channels: Int) -> Bool {
    withUnsafePointer(to: scheme.inC) { ck_suits_bytes($0, k, channels) }
  }

  /// Weights as bytes, from the cache if there is one; `nil` where they do not fit, which is kept as well.
  private func packedBytes(
    _ w: UnsafePointer<Int16>, _ arrangement: PackedWeights.Arrangement, count: Int, _ cache: NodeCache?,
    _ fill: (UnsafeMutableRawPointer) -> Bool
  ) -> PackedBuffer? {
    // The last word says whether they fit.
    let words = (count + 3) / 4, address = UnsafeRawPointer(w).assumingMemoryBound(to: Float.self)
    let weights = packed(address, arrangement, count: words + 1, cache) { to in to[words] = fill(UnsafeMutableRawPointer(to)) ? 1 : 0 }
    guard let weights, weights.pointer[words] == 1 else { return nil }
    return weights
  }
}
