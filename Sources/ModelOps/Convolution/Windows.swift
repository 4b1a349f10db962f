import ModelGraph
import ModelTensor

/// The geometry of a window operation over the spatial axes of one tensor.
struct WindowGeometry {
  var input: [Int], kernel: [Int], strides: [Int], dilations: [Int]
  var before: [Int] = [], after: [Int] = [], output: [Int] = []

  /// Resolves padding and output extents.
  /// - Throws: `ExecutionError` for windows, strides or dilations below 1, and for lists of the wrong length.
  init(
    input: [Int], kernel: [Int], strides: [Int], dilations: [Int], padding: Padding, ceilMode: Bool = false, op: some Op
  ) throws {
    let n = input.count
    func filled(_ list: [Int]) -> [Int] { list.isEmpty ? Array(repeating: 1, count: n) : list }
    self.input = input
    self.kernel = kernel
    self.strides = filled(strides)
    self.dilations = filled(dilations)
    guard (1...3).contains(n), kernel.count == n, self.strides.count == n, self.dilations.count == n,
      kernel.allSatisfy(Self.isExtent), self.strides.allSatisfy(Self.isExtent), self.dilations.allSatisfy(Self.isExtent),
      input.allSatisfy({ $0 >= 0 && $0 < 1 << 32 })
    else {
      throw ExecutionError(
        .invalidValue, "\(op.displayName): window \(kernel), strides \(strides), dilations \(dilations) over \(input)")
    }
    before.reserveCapacity(n)
    after.reserveCapacity(n)
    output.reserveCapacity(n)
    for i in 0..<n {
      let span = (kernel[i] - 1) * self.dilations[i] + 1
      switch padding {
      case .valid: before.append(0); after.append(0)
      case .same, .sameLower:
        let out = (input[i] + self.strides[i] - 1) / self.strides[i]
        let total = max(0, (out - 1) * self.strides[i] + span - input[i])
        before.append(padding == .same ? total / 2 : total - total / 2)
        after.append(padding == .same ? total - total / 2 : total / 2)
      case .explicit(let front, let back):
        guard front.count == n, back.count == n, front[i].magnitude < 1 << 24, back[i].magnitude < 1 << 24 else {
          throw ExecutionError(.invalidValue, "\(op.displayName): padding \(front) \(back) over \(input)")
        }
        before.append(front[i])
        after.append(back[i])
      }
      let room = input[i] + before[i] + after[i] - span
      var out = room < 0 ? 0 : room / self.strides[i] + 1
      // A window that is larger than the image by less than a stride is taken too.
      if ceilMode, room > -self.strides[i] {
        out = (room + self.strides[i] - 1) / self.strides[i] + 1
        // A window that would start in the padding behind is not taken.
        if (out - 1) * self.strides[i] >= input[i] + before[i] { out -= 1 }
      }
      output.append(out)
    }
  }

  private static func isExtent(_ value: Int) -> Bool { value >= 1 && value < 1 << 24 }

  /// Which elements of the window that starts at `start` lie inside `extent` places. A window may be larger than the input by far:
  /// loops that look at each of its elements would not end.
  static func inside(_ start: Int, kernel: Int, dilation: Int, extent: Int) -> Range<Int> {
    let first = start >= 0 ? 0 : (dilation - 1 - start) / dilation
    let end = start >= extent ? 0 : min(kernel, (extent - 1 - start) / dilation + 1)
    return first..<max(first, end)
  }

  /// How many elements each window covers: those inside the input, or with `padded` the padding too (but never what lies
  /// beyond the padding behind, which ceil mode reaches).
  func counts(padded: Bool) -> [Float] {
    let perAxis = input.indices.map { axis in
      (0..<output[axis]).map { place in
        // The elements of a window stand at `start + k · dilation`; the first and last `k` inside.
        let start = place * strides[axis] - before[axis], dilation = dilations[axis]
        let end = input[axis] + (padded ? after[axis] : 0)
        let first = padded || start >= 0 ? 0 : (dilation - 1 - start) / dilation
        let last = start >= end ? -1 : min(kernel[axis] - 1, (end - 1 - start) / dilation)
        return max(0, last - first + 1)
      }
    }
    return perAxis.reduce([Float(1)]) { outer, axis in outer.flatMap { o in axis.map { o * Float($0) } } }
  }

  /// The output extents of dimensions that may be unknown.
  static func infer(
    _ dims: [Dim], kernel: [Int], strides: [Int], dilations: [Int], padding: Padding, ceilMode: Bool = false, op: any Op
  ) throws -> [Dim] {
    try dims.enumerated().map { i, dim in
      guard let extent = dim.value, i < kernel.count else { return .unknown }
      func at(_ list: [Int], _ fallback: Int) -> Int { i < list.count ? list[i] : fallback }
      var one = padding
      if case .explicit(let front, let back) = padding { one = .explicit(before: [at(front, 0)], after: [at(back, 0)]) }
      let geometry = try WindowGeometry(
        input: [extent], kernel: [kernel[i]], strides: [at(strides, 1)], dilations: [at(dilations, 1)], padding: one,
        ceilMode: ceilMode, op: op)
      return .fixed(geometry.output[0])
    }
  }
}

extension Op {
  /// Refuses numbers that no window has: passes and writers compute with them, whether or not the shapes are known.
  /// - Parameters:
  ///   - rank: how many spatial axes there are.
  ///   - others: numbers from 0 up, such as output paddings.
  /// - Throws: `GraphError`.
  func requireWindow(
    kernel: [Int] = [], strides: [Int], dilations: [Int], padding: Padding, others: [Int] = [], rank: Int
  ) throws {
    var isSound = others.allSatisfy { $0 >= 0 && $0 < 1 << 32 }
    for list in [kernel, strides, dilations] where !list.isEmpty {
      isSound = isSound && list.count == rank && list.allSatisfy { $0 >= 1 && $0 < 1 << 24 }
    }
    if case .explicit(let front, let back) = padding {
      isSound = isSound && front.count == rank && back.count == rank && (front + back).allSatisfy { $0.magnitude < 1 << 24 }
    }
    guard isSound else {
      throw GraphError(
        .invalidAttribute,
        "\(displayName): window \(kernel), strides \(strides), dilations \(dilations), padding \(padding) over \(rank) axes")
    }
  }
}

extension DataLayout {
  func shape<T>(batch: T, spatial: [T], channels: T) -> [T] {
    self == .channelsLast ? [batch] + spatial + [channels] : [batch, channels] + spatial
  }
}

extension KernelLayout {
  /// The spatial extents of weights of this layout.
  func spatial<T>(_ shape: [T]) -> [T] {
    self == .outputInputSpatial ? Array(shape.dropFirst(2)) : Array(shape.dropLast(2))
  }
}
