import ModelGraph

/// Maxima and sums of large windows that overlap, one axis after the other, in a number of steps that grows with the logarithm of
/// the window instead of with the window.
///
/// The results of windows of 1, 2, 4, … elements are made of each other:
///
///     of 2w elements at i  =  of w elements at i  and  of w elements at i + w · dilation
///
/// A maximum over `k` elements is that of the two largest such windows that fit, which overlap; a sum is that of one window for
/// each binary digit of `k`, side by side.
struct SlidingWindows {
  let geometry: WindowGeometry
  let maximum: Bool

  /// Lanes that are done together, where elements of one line are not next to each other.
  private static let block = 64

  /// Whether this is less work by far than to look at all elements of all windows.
  var isWorthwhile: Bool {
    let axes = geometry.kernel.indices
    let window = axes.reduce(1.0) { $0 * Double(geometry.kernel[$1]) }
    guard window >= 32 else { return false }
    let results = axes.reduce(1.0) { $0 * Double(geometry.output[$1]) }
    var extents = geometry.input, steps = 0.0
    for axis in axes where geometry.kernel[axis] > 1 {
      let length = Double(reach(axis))
      // Padding far beyond the input is not laid out.
      guard length <= 4 * Double(geometry.input[axis]) + 4096 else { return false }
      let others = extents.indices.reduce(1.0) { $1 == axis ? $0 : $0 * Double(extents[$1]) }
      steps += length * others * Double(Int.bitWidth - geometry.kernel[axis].leadingZeroBitCount + 2)
      extents[axis] = geometry.output[axis]
    }
    return results * window > 4 * steps
  }

  /// The places from the first of the first window to the last of the last one.
  private func reach(_ axis: Int) -> Int {
    (geometry.output[axis] - 1) * geometry.strides[axis] + (geometry.kernel[axis] - 1) * geometry.dilations[axis] + 1
  }

  /// - Parameters:
  ///   - planes: how many tensors of the spatial extents there are, one after the other.
  ///   - lanes: the elements at each place.
  func run(_ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, planes: Int, lanes: Int, in context: ExecutionContext) {
    let axes = geometry.kernel.indices.filter { geometry.kernel[$0] > 1 || geometry.strides[$0] > 1 || geometry.before[$0] != 0 }
    var extents = geometry.input, source: [Float] = []
    for (turn, axis) in axes.enumerated() {
      let outer = planes * extents[..<axis].reduce(1, *), inner = extents[(axis + 1)...].reduce(1, *) * lanes
      let line = Line(self, axis, extent: extents[axis], inner: inner)
      extents[axis] = geometry.output[axis]
      if turn == axes.count - 1 {
        if turn == 0 {
          line.run(x, y, outer, in: context)
        } else {
          source.withUnsafeBufferPointer { if let from = $0.baseAddress { line.run(from, y, outer, in: context) } }
        }
        return
      }
      let count = outer * inner * geometry.output[axis]
      let next = [Float](unsafeUninitializedCapacity: count) { buffer, used in
        if let to = buffer.baseAddress {
          if turn == 0 {
            line.run(x, to, outer, in: context)
          } else {
            source.withUnsafeBufferPointer { if let from = $0.baseAddress { line.run(from, to, outer, in: context) } }
          }
        }
        used = count
      }
      source = next
    }
  }

  /// The windows along one axis.
  private struct Line {
    let kernel: Int, stride: Int, dilation: Int, before: Int, output: Int, reach: Int, extent: Int, inner: Int, maximum: Bool

    init(_ windows: SlidingWindows, _ axis: Int, extent: Int, inner: Int) {
      let geometry = windows.geometry
      kernel = geometry.kernel[axis]
      stride = geometry.strides[axis]
      dilation = geometry.dilations[axis]
      before = geometry.before[axis]
      output = geometry.output[axis]
      reach = windows.reach(axis)
      maximum = windows.maximum
      self.extent = extent
      self.inner = inner
    }

    func run(_ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ outer: Int, in context: ExecutionContext) {
      nonisolated(unsafe) let x = x, y = y
      let block = min(inner, SlidingWindows.block), blocks = (inner + block - 1) / block
      context.primitives.parallel(outer * blocks, grain: max(1, 16384 / max(1, reach * block))) { parts in
        var a = [Float](repeating: 0, count: reach * block), b = a
        for part in parts {
          let first = part % blocks * block, lanes = min(block, inner - first)
          let from = x + part / blocks * extent * inner + first, to = y + part / blocks * output * inner + first
          a.withUnsafeMutableBufferPointer { a in
            b.withUnsafeMutableBufferPointer { b in
              guard let a = a.baseAddress, let b = b.baseAddress else { return }
              slide(from, to, lanes, a, b)
            }
          }
        }
      }
    }

    /// One line of `lanes` neighbours; `a` and `b` hold `reach` times as many.
    private func slide(
      _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ lanes: Int, _ a: UnsafeMutablePointer<Float>,
      _ b: UnsafeMutablePointer<Float>
    ) {
      let nothing: Float = maximum ? -.infinity : 0
      for place in 0..<reach {
        let at = place - before, to = a + place * lanes
        if at >= 0, at < extent {
          to.update(from: x + at * inner, count: lanes)
        } else {
          to.update(repeating: nothing, count: lanes)
        }
      }
      for place in 0..<output { (y + place * inner).update(repeating: nothing, count: lanes) }
      var current = a, spare = b, width = 1, taken = 0, count = reach
      while true {
        let isLast = width * 2 > kernel
        if maximum {
          if isLast {
            take(current, at: 0, into: y, lanes)
            if kernel > width { take(current, at: (kernel - width) * dilation, into: y, lanes) }
          }
        } else if kernel & width != 0 {
          take(current, at: taken * dilation, into: y, lanes)
          taken += width
        }
        if isLast { return }
        let shift = width * dilation
        count -= shift
        join(current, current + shift * lanes, into: spare, count * lanes)
        swap(&current, &spare)
        width *= 2
      }
    }

    private func take(_ from: UnsafeMutablePointer<Float>, at start: Int, into y: UnsafeMutablePointer<Float>, _ lanes: Int) {
      for place in 0..<output {
        let a = y + place * inner, b = from + (start + place * stride) * lanes
        if maximum {
          for lane in 0..<lanes { a[lane] = larger(a[lane], b[lane]) }
        } else {
          for lane in 0..<lanes { a[lane] += b[lane] }
        }
      }
    }

    private func join(
      _ a: UnsafeMutablePointer<Float>, _ b: UnsafeMutablePointer<Float>, into y: UnsafeMutablePointer<Float>, _ count: Int
    ) {
      if maximum {
        for i in 0..<count { y[i] = larger(a[i], b[i]) }
      } else {
        for i in 0..<count { y[i] = a[i] + b[i] }
      }
    }

    /// NaN wins.
    @inline(__always)
    private func larger(_ a: Float, _ b: Float) -> Float { b > a || b != b ? b : a }
  }
}
