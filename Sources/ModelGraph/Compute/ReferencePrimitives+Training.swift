#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

extension ComputePrimitives {
  public func filterGradient(
    _ s: ConvolutionShape, _ x: UnsafePointer<Float>, _ g: UnsafePointer<Float>, _ dw: UnsafeMutablePointer<Float>
  ) {
    let inputs = s.inputChannels, outputs = s.outputChannels
    dw.update(repeating: 0, count: s.kernel.reduce(1, *) * inputs * outputs)
    s.forEachTap { tap, from, to in
      for i in 0..<inputs {
        for o in 0..<outputs { dw[(tap * inputs + i) * outputs + o] += x[from * inputs + i] * g[to * outputs + o] }
      }
    }
  }

  public func maxPoolGradient(
    _ s: ConvolutionShape, _ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>, _ g: UnsafePointer<Float>,
    _ dx: UnsafeMutablePointer<Float>
  ) {
    let channels = s.inputChannels, results = s.batch * s.output.reduce(1, *) * channels
    dx.update(repeating: 0, count: s.batch * s.input.reduce(1, *) * channels)
    var isFound = [Bool](repeating: false, count: results)
    s.forEachTap { _, from, to in
      for c in 0..<channels {
        let place = to * channels + c
        guard !isFound[place], x[from * channels + c] == y[place] else { continue }
        isFound[place] = true
        dx[from * channels + c] += g[place]
      }
    }
  }

  public func columnSums(
    _ x: UnsafePointer<Float>, centre: UnsafePointer<Float>?, g: UnsafePointer<Float>?, rows: Int, columns: Int,
    _ first: UnsafeMutablePointer<Double>, _ second: UnsafeMutablePointer<Double>
  ) {
    first.update(repeating: 0, count: columns)
    second.update(repeating: 0, count: columns)
    for r in 0..<rows {
      for c in 0..<columns {
        let value = Double(x[r * columns + c]) - Double(centre?[c] ?? 0), factor = g.map { Double($0[r * columns + c]) }
        first[c] += factor ?? value
        second[c] += (factor ?? value) * value
      }
    }
  }

  public func blendColumns(
    _ g: UnsafePointer<Float>, _ x: UnsafePointer<Float>, a: UnsafePointer<Float>, b: UnsafePointer<Float>, d: UnsafePointer<Float>,
    _ y: UnsafeMutablePointer<Float>, rows: Int, columns: Int
  ) {
    for r in 0..<rows {
      for c in 0..<columns { y[r * columns + c] = g[r * columns + c] * a[c] + (x[r * columns + c] * b[c] + d[c]) }
    }
  }

  public func lstmCell(
    _ gates: UnsafeMutablePointer<Float>, before: UnsafePointer<Float>, _ cells: UnsafeMutablePointer<Float>,
    _ hidden: UnsafeMutablePointer<Float>, rows: Int, units: Int
  ) {
    for r in 0..<rows {
      let z = gates + r * 4 * units
      for j in 0..<units {
        for gate in 0..<3 { z[gate * units + j] = UnaryFunction.sigmoid(z[gate * units + j]) }
        z[3 * units + j] = tanhf(z[3 * units + j])
        let cell = z[2 * units + j] * before[r * units + j] + z[j] * z[3 * units + j]
        cells[r * units + j] = cell
        hidden[r * units + j] = z[units + j] * tanhf(cell)
      }
    }
  }

  public func lstmCellGradient(
    _ gates: UnsafePointer<Float>, before: UnsafePointer<Float>, _ cells: UnsafePointer<Float>, dh: UnsafePointer<Float>,
    dc: UnsafeMutablePointer<Float>, dz: UnsafeMutablePointer<Float>, rows: Int, units: Int
  ) {
    for r in 0..<rows {
      let z = gates + r * 4 * units, to = dz + r * 4 * units
      for j in 0..<units {
        let place = r * units + j, t = tanhf(cells[place])
        let input = z[j], output = z[units + j], forget = z[2 * units + j], new = z[3 * units + j]
        let slope = dc[place] + dh[place] * output * (1 - t * t)
        to[j] = slope * new * input * (1 - input)
        to[units + j] = dh[place] * t * output * (1 - output)
        to[2 * units + j] = slope * before[place] * forget * (1 - forget)
        to[3 * units + j] = slope * input * (1 - new * new)
        dc[place] = slope * forget
      }
    }
  }

  public func philox(key: UInt64, counter: (UInt64, UInt64), _ y: UnsafeMutablePointer<UInt32>, blocks: Int) {
    for block in 0..<blocks {
      let (low, overflow) = counter.0.addingReportingOverflow(UInt64(block)), high = overflow ? counter.1 &+ 1 : counter.1
      var c = (UInt32(truncatingIfNeeded: low), UInt32(truncatingIfNeeded: low >> 32))
      var d = (UInt32(truncatingIfNeeded: high), UInt32(truncatingIfNeeded: high >> 32))
      var k = (UInt32(truncatingIfNeeded: key), UInt32(truncatingIfNeeded: key >> 32))
      for _ in 0..<10 {
        let a = UInt64(0xD251_1F53) * UInt64(c.0), b = UInt64(0xCD9E_8D57) * UInt64(d.0)
        c = (UInt32(truncatingIfNeeded: b >> 32) ^ c.1 ^ k.0, UInt32(truncatingIfNeeded: b))
        d = (UInt32(truncatingIfNeeded: a >> 32) ^ d.1 ^ k.1, UInt32(truncatingIfNeeded: a))
        k = (k.0 &+ 0x9E37_79B9, k.1 &+ 0xBB67_AE85)
      }
      (y[block * 4], y[block * 4 + 1], y[block * 4 + 2], y[block * 4 + 3]) = (c.0, c.1, d.0, d.1)
    }
  }
}

extension ConvolutionShape {
  /// Each pair of a pixel of the input and one of the result that meet under a tap, in order of the taps of each result.
  fileprivate func forEachTap(_ body: (_ tap: Int, _ from: Int, _ to: Int) -> Void) {
    let input = input.padded, kernel = kernel.padded, output = output.padded
    let strides = strides.padded, dilations = dilations.padded, padding = padding.padded(with: 0)
    let pixels = output.reduce(1, *), taps = kernel.reduce(1, *)
    for to in 0..<(batch * pixels) {
      let o = [to % pixels / (output[1] * output[2]), to / output[2] % output[1], to % output[2]]
      for tap in 0..<taps {
        let k = [tap / (kernel[1] * kernel[2]), tap / kernel[2] % kernel[1], tap % kernel[2]]
        let at = (0..<3).map { o[$0] * strides[$0] + k[$0] * dilations[$0] - padding[$0] }
        guard zip(at, input).allSatisfy({ $0 >= 0 && $0 < $1 }) else { continue }
        body(tap, ((to / pixels * input[0] + at[0]) * input[1] + at[1]) * input[2] + at[2], to)
      }
    }
  }
}
