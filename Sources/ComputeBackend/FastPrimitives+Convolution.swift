import CKernels
import ModelGraph

extension FastPrimitives {
  public func convolve(
    _ s: ConvolutionShape, _ x: UnsafePointer<Float>, _ w: UnsafePointer<Float>, _ epilogue: Epilogue,
    _ y: UnsafeMutablePointer<Float>, cache: NodeCache?
  ) {
    let done: Bool
    if s.groups > 1, s.groups == s.inputChannels, s.groups == s.outputChannels {
      done = depthwise(s, x, w, epilogue, y, cache)
    } else if s.layout == .channelsLast {
      done = channelsLast(s, x, w, epilogue, y, cache)
    } else {
      done = channelsFirst(s, x, w, epilogue, y, cache)
    }
    // Without memory for packed weights the definition still works.
    if !done { ReferencePrimitives().convolve(s, x, w, epilogue, y, cache: nil) }
  }

  /// Weights in another arrangement, from the cache if there is one. Without one the caller recycles them.
  func packed(
    _ w: UnsafePointer<Float>, _ arrangement: PackedWeights.Arrangement, count: Int, _ cache: NodeCache?,
    _ fill: (UnsafeMutablePointer<Float>) -> Void
  ) -> PackedBuffer? {
    func make() -> PackedBuffer? {
      guard let buffer = PackedBuffer.take(count) else { return nil }
      fill(buffer.pointer)
      return buffer
    }
    guard let cache else { return make() }
    return PackedWeights.of(cache).buffer(.init(address: UnsafeRawPointer(w), arrangement: arrangement), make)
  }

  private func channelsLast(
    _ s: ConvolutionShape, _ x: UnsafePointer<Float>, _ w: UnsafePointer<Float>, _ epilogue: Epilogue,
    _ y: UnsafeMutablePointer<Float>, _ cache: NodeCache?
  ) -> Bool {
    let inputs = s.inputChannels / s.groups, outputs = s.outputChannels / s.groups, taps = s.kernel.reduce(1, *)
    let k = taps * inputs, perGroup = ck_packed_count(k, outputs)
    let arrangement = PackedWeights.Arrangement(1, taps, inputs, outputs, s.groups, Int(s.kernelLayout.code))
    guard
      let weights = packed(
        w, arrangement, count: perGroup * s.groups, cache,
        { packed in
          pack(s, w, into: packed, perGroup: perGroup)
        })
    else { return false }
    var geometry = s.geometry
    var source = x, widened: PackedBuffer?
    // Few channels: the taps of one row stand side by side, so they are one long tap, once the row has its padding.
    if s.groups == 1, inputs <= 16, geometry.kernel.2 > 1, geometry.dilation.2 == 1, k < 1 << 16 {
      guard let copy = widen(x, &geometry) else { return false }
      widened = copy
      source = UnsafePointer(copy.pointer)
    }
    let c = CKEpilogue(epilogue, compensates: compensates)
    let pixels = geometry.batch * geometry.output.0 * geometry.output.1 * geometry.output.2
    let panels = (outputs + ck_panel_columns() - 1) / ck_panel_columns()
    let (packedWeights, output) = (UnsafePointer(weights.pointer), y)
    let plain = taps == 1 && s.groups == 1 && s.strides.allSatisfy { $0 == 1 } && s.padding.allSatisfy { $0 == 0 } && s.input == s.output
    guard let zeros = PackedBuffer.take(geometry.depth) else { return false }
    zeros.pointer.initialize(repeating: 0, count: geometry.depth)
    nonisolated(unsafe) let (from, zero) = (source, UnsafePointer(zeros.pointer))
    let fixed = geometry
    withExtendedLifetime((weights, widened, zeros)) {
      split(pixels: pixels, panels: panels, depth: k, groups: s.groups) { group, rows, columns in
        withUnsafePointer(to: c.value) { e in
          if plain {
            ck_gemm_packed(
              from, s.inputChannels, packedWeights, output, s.outputChannels, k, outputs, rows.lowerBound, rows.upperBound,
              columns.lowerBound, columns.upperBound, false, e)
          } else {
            withUnsafePointer(to: fixed) {
              ck_convolve_last(
                $0, from, packedWeights + group * perGroup, output, zero, group, rows.lowerBound, rows.upperBound,
                columns.lowerBound, columns.upperBound, e)
            }
          }
        }
      }
    }
    if cache == nil { PackedBuffer.recycle(weights) }
    PackedBuffer.recycle(widened)
    PackedBuffer.recycle(zeros)
    return true
  }

  /// Shares out a product of `pixels` rows and `panels` panels for each group: by rows while there are
  /// many of them, else by panels too.
  func split(
    pixels: Int, panels: Int, depth: Int, groups: Int, _ body: (_ group: Int, _ rows: Range<Int>, _ panels: Range<Int>) -> Void
  ) {
    guard pixels > 0, panels > 0 else { return }
    let tile = ck_tile_rows()
    let work = pixels * panels * ck_panel_columns() * max(1, depth) * groups
    guard threads > 1, work > 1 << 17 else {
      for group in 0..<groups { body(group, 0..<pixels, 0..<panels) }
      return
    }
    let wanted = groups >= 2 * threads ? 1 : 4 * threads
    let rowParts = max(1, min(wanted, pixels / (12 * tile)))
    let panelParts = rowParts >= 2 * threads ? 1 : max(1, min(panels, (wanted + rowParts - 1) / rowParts))
    let rowStep = ((pixels + rowParts - 1) / rowParts + tile - 1) / tile * tile
    let rowCount = (pixels + rowStep - 1) / rowStep
    let panelStep = (panels + panelParts - 1) / panelParts
    let panelCount = (panels + panelStep - 1) / panelStep
    parallel(groups * rowCount * panelCount, grain: 1) { items in
      for item in items {
        let row = item % rowCount * rowStep, panel = item / rowCount % panelCount * panelStep
        body(
          item / rowCount / panelCount, row..<min(row + rowStep, pixels), panel..<min(panel + panelStep, panels))
      }
    }
  }

  /// The panels of each group, one after the other.
  private func pack(_ s: ConvolutionShape, _ w: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>, perGroup: Int) {
    let inputs = s.inputChannels / s.groups, outputs = s.outputChannels / s.groups, taps = s.kernel.reduce(1, *)
    for group in 0..<s.groups {
      let to = packed + group * perGroup
      switch s.kernelLayout {
      case .spatialInputOutput:
        ck_pack_panels(w + group * outputs, taps * inputs, outputs, s.outputChannels, 1, to)
      case .outputInputSpatial, .spatialOutputInput:
        // Bring it to [taps, inputs, outputs] first.
        guard let plain = PackedBuffer.take(taps * inputs * outputs) else { return }
        for o in 0..<outputs {
          for i in 0..<inputs {
            for tap in 0..<taps {
              let from =
                s.kernelLayout == .outputInputSpatial
                ? ((group * outputs + o) * inputs + i) * taps + tap : (tap * s.outputChannels + group * outputs + o) * inputs + i
              plain.pointer[(tap * inputs + i) * outputs + o] = w[from]
            }
          }
        }
        ck_pack_panels(plain.pointer, taps * inputs, outputs, outputs, 1, to)
        PackedBuffer.recycle(plain)
      }
    }
  }

  /// A copy whose rows have their padding in them; the geometry then has one tap a row.
  func widen(_ x: UnsafePointer<Float>, _ g: inout ck_convolution) -> PackedBuffer? {
    let channels = g.input_channels, width = g.input.2, before = g.padding.2
    let needed = max(0, (g.output.2 - 1) * g.stride.2 + g.kernel.2)
    let rows = g.batch * g.input.0 * g.input.1
    guard let copy = PackedBuffer.take(rows * needed * channels) else { return nil }
    let low = max(0, before), high = min(needed, before + width)
    nonisolated(unsafe) let (x, to) = (x, copy.pointer)
    parallel(rows, grain: grain(rows, least: max(1, 16384 / max(1, needed * channels)))) { part in
      for row in part {
        let line = to + row * needed * channels
        line.update(repeating: 0, count: needed * channels)
        if high > low {
          (line + low * channels).update(from: x + (row * width + low - before) * channels, count: (high - low) * channels)
        }
      }
    }
    g.input.2 = needed
    g.padding.2 = 0
    g.depth = g.kernel.2 * channels
    g.kernel.2 = 1
    return copy
  }

  private func channelsFirst(
    _ s: ConvolutionShape, _ x: UnsafePointer<Float>, _ w: UnsafePointer<Float>, _ epilogue: Epilogue,
    _ y: UnsafeMutablePointer<Float>, _ cache: NodeCache?
  ) -> Bool {
    let inputs = s.inputChannels / s.groups, outputs = s.outputChannels / s.groups, taps = s.kernel.reduce(1, *)
    var weights = w, kept: PackedBuffer?
    if s.kernelLayout != .outputInputSpatial {
      kept = packed(w, .init(2, taps, inputs, s.outputChannels, Int(s.kernelLayout.code)), count: taps * inputs * s.outputChannels, cache) {
        to in
        for o in 0..<s.outputChannels {
          for i in 0..<inputs {
            for tap in 0..<taps {
              to[(o * inputs + i) * taps + tap] =
                s.kernelLayout == .spatialInputOutput
                ? w[(tap * inputs + i) * s.outputChannels + o] : w[(tap * s.outputChannels + o) * inputs + i]
            }
          }
        }
      }
      guard let kept else { return false }
      weights = UnsafePointer(kept.pointer)
    }
    let geometry = s.geometry, c = CKEpilogue(epilogue, byRow: true, compensates: compensates)
    let plane = s.output.reduce(1, *), k = taps * inputs
    let panels = (plane + ck_panel_columns() - 1) / ck_panel_columns()
    // Rows are shared out only when there are too few panels: each share packs its pixels again.
    let images = s.batch * s.groups
    let scratchCount = ck_panel_columns() * k
    guard threads == 1 || scratchCount < 1 << 26 else { return false }
    let shares = images * panels >= 2 * threads ? 1 : min(max(1, outputs / 32), threads)
    let step = ((outputs + shares - 1) / shares + ck_tile_rows() - 1) / ck_tile_rows() * ck_tile_rows()
    let rowParts = (outputs + step - 1) / step
    let total = images * panels * rowParts
    nonisolated(unsafe) let (from, output, source) = (weights, y, x)
    nonisolated(unsafe) var failed = false
    withExtendedLifetime(kept) {
      parallel(total, grain: max(1, min(8, total / (4 * threads)))) { items in
        guard let scratch = ck_scratch(scratchCount) else { failed = true; return }
        withUnsafePointer(to: geometry) { g in
          withUnsafePointer(to: c.value) { e in
            for item in items {
              let row = item % rowParts * step, panel = item / rowParts % panels, image = item / rowParts / panels
              ck_convolve_first(
                g, source, from, output, scratch, image / s.groups, image % s.groups, panel, panel + 1, row,
                min(row + step, outputs), e)
            }
          }
        }
      }
    }
    if cache == nil { PackedBuffer.recycle(kept) }
    return !failed
  }

  private func depthwise(
    _ s: ConvolutionShape, _ x: UnsafePointer<Float>, _ w: UnsafePointer<Float>, _ epilogue: Epilogue,
    _ y: UnsafeMutablePointer<Float>, _ cache: NodeCache?
  ) -> Bool {
    let taps = s.kernel.reduce(1, *), channels = s.outputChannels
    let last = s.layout == .channelsLast
    var weights = w, kept: PackedBuffer?
    // [taps, channels] channels last, [channels, taps] channels first.
    if last == (s.kernelLayout == .outputInputSpatial) {
      kept = packed(w, .init(3, taps, channels, last ? 1 : 0), count: taps * channels, cache) { to in
        for c in 0..<channels {
          for tap in 0..<taps { if last { to[tap * channels + c] = w[c * taps + tap] } else { to[c * taps + tap] = w[tap * channels + c] } }
        }
      }
      guard let kept else { return false }
      weights = UnsafePointer(kept.pointer)
    }
    let geometry = s.geometry, c = CKEpilogue(epilogue, byRow: !last)
    let rows = s.batch * geometry.output.0 * geometry.output.1
    nonisolated(unsafe) let (source, from, output) = (x, weights, y)
    nonisolated(unsafe) var failed = false
    withExtendedLifetime(kept) {
      if last {
        let work = geometry.output.2 * channels * taps
        parallel(rows, grain: grain(rows, least: max(1, 16384 / max(1, work)))) { part in
          withUnsafePointer(to: geometry) { g in
            withUnsafePointer(to: c.value) { ck_depthwise_last(g, source, from, output, part.lowerBound, part.upperBound, $0) }
          }
        }
      } else {
        let scratchCount = withUnsafePointer(to: geometry) { ck_plane_scratch($0) }
        guard scratchCount < 1 << 28 else { failed = true; return }
        let planes = s.batch * channels
        parallel(planes, grain: grain(planes, least: max(1, 16384 / max(1, scratchCount)))) { part in
          guard let scratch = ck_scratch(scratchCount) else { failed = true; return }
          withUnsafePointer(to: geometry) { g in
            withUnsafePointer(to: c.value) { ck_depthwise_first(g, source, from, output, scratch, part.lowerBound, part.upperBound, $0) }
          }
        }
      }
    }
    if cache == nil { PackedBuffer.recycle(kept) }
    return !failed
  }
}

/// An epilogue as the C side wants it.
struct CKEpilogue: @unchecked Sendable {
  let value: ck_epilogue
  init(_ e: Epilogue, byRow: Bool = false, compensates: Bool = false) {
    let (activation, top): (ck_activation_code, Float) =
      switch e.activation {
      case .none: (CK_NONE, 0)
      case .relu: (CK_RELU, 0)
      case .reluUpTo(let top): (CK_RELU_UP_TO, top)
      case .silu: (CK_SILU, 0)
      }
    value = ck_epilogue(
      scale: e.scale, shift: e.shift, residual: e.residual, by_row: byRow, activation: Int32(bitPattern: activation.rawValue),
      top: top, compensated: compensates)
  }
}

extension KernelLayout {
  var code: Int8 {
    switch self {
    case .spatialInputOutput: 0
    case .outputInputSpatial: 1
    case .spatialOutputInput: 2
    }
  }
}

extension ConvolutionShape {
  /// The geometry over three axes.
  var geometry: ck_convolution {
    func three(_ list: [Int], _ filler: Int) -> (Int, Int, Int) {
      func axis(_ index: Int) -> Int { index < 0 ? filler : list[index] }
      return (axis(list.count - 3), axis(list.count - 2), axis(list.count - 1))
    }
    return ck_convolution(
      batch: batch, input: three(input, 1), kernel: three(kernel, 1), output: three(output, 1), stride: three(strides, 1),
      dilation: three(dilations, 1), padding: three(padding, 0), input_channels: inputChannels,
      output_channels: outputChannels, groups: groups, depth: inputChannels / max(1, groups))
  }
}
