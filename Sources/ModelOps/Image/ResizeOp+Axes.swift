import ModelGraph
import ModelSupport
import ModelTensor

/// A resize axis by axis: what a format without a word for it writes as products with matrices.
extension ResizeOp {
  private func place(of axis: Int, rank: Int) -> Int? {
    guard let axes else { return axis }
    return axes.firstIndex { ($0 < 0 ? $0 + rank : $0) == axis }
  }

  /// Whether nothing becomes of an axis: it is not asked for, it is scaled by just 1, or its extent is known to stay. Two unknown
  /// extents are not known to be the same.
  /// - Parameters:
  ///   - inputs: the op's: `x`, `roi?`, `scales?`, `sizes?`.
  ///   - from: the dimensions of `x`; `to`: those of the result.
  public func keeps(_ axis: Int, _ inputs: [Fact?], from: [Dim], to: [Dim]) throws -> Bool {
    guard let place = place(of: axis, rank: from.count) else { return true }
    if let scales = try inputs[safely: 2]?.constant?.array().doubles(), place < scales.count { return scales[place] == 1 }
    if let elements = inputs[safely: 3]?.elements, place < elements.count, elements[place] == from[axis], from[axis] != .unknown {
      return true
    }
    return from[axis] == to[axis] && from[axis] != .unknown
  }

  /// How often each element stands in the result along each axis, where the resizing is nothing but that and an extent that it
  /// changes is unknown; `nil` for any other.
  public func repeats(_ inputs: [Fact?], from: [Dim], to: [Dim]) throws -> [Int]? {
    guard mode == .nearest, coordinateMode == .asymmetric, nearestMode == .floor,
      let scales = try inputs[safely: 2]?.constant?.array().doubles()
    else { return nil }
    var factors = [Int](repeating: 1, count: from.count), isOpen = false
    for axis in from.indices where try !keeps(axis, inputs, from: from, to: to) {
      guard let place = place(of: axis, rank: from.count), place < scales.count, let factor = Int(exactly: scales[place]), factor > 1,
        factor <= 1 << 16
      else { return nil }
      factors[axis] = factor
      if from[axis].value == nil { isOpen = true }
    }
    return isOpen ? factors : nil
  }

  /// The factor of an axis: the one that is given, one that all axes share, or what the extents come to.
  /// - Throws: `UnsupportedError` where the extents or the factor are not known.
  private func scale(of axis: Int, _ inputs: [Fact?], from: [Dim], to: [Dim]) throws -> Double {
    guard let place = place(of: axis, rank: from.count) else { return 1 }
    guard let n = from[axis].value, let out = to[axis].value else {
      throw UnsupportedError("such a resizing of a tensor of unknown extents")
    }
    if let scales = inputs[safely: 2], scales.type.shape.elementCount != 0 {
      guard let list = try scales.constant?.array().doubles(), place < list.count else {
        throw UnsupportedError("a resizing by a computed factor")
      }
      return try targets([n], scales: [list[place]], sizes: nil)[0].scale
    }
    guard aspect != .stretch else { return try targets([n], scales: nil, sizes: [out])[0].scale }
    let extents = (axes ?? Array(from.indices)).map { $0 < 0 ? $0 + from.count : $0 }.compactMap { from[$0].value }
    guard let sizes = inputs[safely: 3]?.integers, sizes.count == extents.count, place < sizes.count else {
      throw UnsupportedError("a resizing by a computed factor")
    }
    return try targets(extents, scales: nil, sizes: sizes)[place].scale
  }

  /// Whether the extents tell how an axis is scaled, as frameworks take it that know sizes alone. A given factor that was cut down to a
  /// whole extent, or that all axes share, places elements by itself.
  public func isScaledByExtents(_ axis: Int, _ inputs: [Fact?], from: [Dim], to: [Dim]) -> Bool {
    let hasScales = inputs[safely: 2].map { $0.type.shape.elementCount != 0 } ?? false
    // Sizes that are given say so whatever the extents are.
    if !hasScales, aspect == .stretch, from[axis].value == nil { return true }
    guard let n = from[axis].value, let out = to[axis].value, let scale = try? scale(of: axis, inputs, from: from, to: to) else {
      return false
    }
    // A factor is a rounded float32. Weights change by no more than that; which of two neighbours is the nearest may hang on it.
    return abs(Double(n) * scale - Double(out)) <= (mode == .nearest ? 0 : Double(out) * 0x1p-23)
  }

  /// Whether TensorFlow's cubic, which looks its weights up in a table of 1024 steps between two neighbours, computes what this one says:
  /// whether all places along an axis are among the steps. An unknown extent is not known to leave them.
  public func keepsToTable(_ axis: Int, from: [Dim], to: [Dim]) -> Bool {
    guard mode == .cubic, let n = from[axis].value, let out = to[axis].value, out > 0, n < 1 << 40 else { return true }
    return (coordinateMode == .halfPixel ? 512 : 1024) * n % out == 0
  }

  private func taps(along axis: Int, _ inputs: [Fact?], from: [Dim], to: [Dim]) throws -> (input: Int, taps: [ResizeTaps]) {
    let scale = try scale(of: axis, inputs, from: from, to: to)
    guard let n = from[axis].value, let out = to[axis].value, n > 0, let size = checkedProduct([n, out]), size <= 1 << 22 else {
      throw UnsupportedError("a resizing of so many elements along one axis")
    }
    return (n, (0..<out).map { taps(at: $0, scale: scale, output: out, input: n, region: (0, 1)) })
  }

  /// The matrix, float32 `[from, to]`, that the elements along an axis are multiplied with: what becomes of each unit vector is a row.
  /// - Throws: `UnsupportedError` where the extents or the factor are not known, or the matrix would be large.
  public func matrix(along axis: Int, _ inputs: [Fact?], from: [Dim], to: [Dim]) throws -> NDArray {
    let (n, taps) = try taps(along: axis, inputs, from: from, to: to)
    var weights = [Float](repeating: 0, count: n * taps.count)
    for (column, tap) in taps.enumerated() {
      for (row, weight) in zip(tap.indices, tap.weights) { weights[row * taps.count + column] += Float(weight) }
    }
    return NDArray(weights, [n, taps.count])
  }

  /// The place of the nearest neighbour of each element of the result.
  /// - Throws: `UnsupportedError` as `matrix(along:_:from:to:)`.
  public func places(along axis: Int, _ inputs: [Fact?], from: [Dim], to: [Dim]) throws -> [Int] {
    try taps(along: axis, inputs, from: from, to: to).taps.map { $0.indices[0] }
  }
}

extension [Fact?] {
  fileprivate subscript(safely index: Int) -> Fact? { index < count ? self[index] : nil }
}
