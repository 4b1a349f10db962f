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

  /// The matrix, float32 `[from, to]`, that the elements along an axis are multiplied with: what becomes of each unit vector is a row.
  /// - Throws: `UnsupportedError` where the extents or the factor are not known, or the matrix would be large.
  public func matrix(along axis: Int, _ inputs: [Fact?], from: [Dim], to: [Dim]) throws -> NDArray {
    guard let n = from[axis].value, let out = to[axis].value, let size = checkedProduct([n, max(out, n)]), size <= 1 << 22,
      let place = place(of: axis, rank: from.count)
    else { throw UnsupportedError("such a resizing of a tensor of unknown extents") }
    func entry(_ fact: Fact?) throws -> NDArray? {
      guard let fact else { return nil }
      guard let list = try fact.constant?.array() ?? fact.integers.map({ NDArray($0.map(Int64.init), [$0.count]) }) else {
        throw UnsupportedError("a resizing by a computed factor")
      }
      guard list.count > place else { return nil }
      return list.dtype.isFloatingPoint
        ? NDArray([Float(list.doubles()[place])], [1]) : NDArray([Int64(list.integers()?[place] ?? out)], [1])
    }
    var single = self
    single.axes = [1]
    let unit = NDArray((0..<(n * n)).map { Float($0 / n == $0 % n ? 1 : 0) }, [n, n])
    return try single.evaluate(
      [unit, nil, try entry(inputs[safely: 2]), try entry(inputs[safely: 3])],
      in: ExecutionContext(primitives: ReferencePrimitives()))[0]
  }
}

extension [Fact?] {
  fileprivate subscript(safely index: Int) -> Fact? { index < count ? self[index] : nil }
}
