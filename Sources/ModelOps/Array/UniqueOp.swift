import ModelGraph
import ModelTensor

/// The different elements of `x` (flattened), or with `axis` its different slices; ascending, or in order of first
/// occurrence.
///
/// Results: the elements or slices; per one of them, the index of its first occurrence in `x`; per one of `x`, which
/// it is; how often each occurs. All but the first are int64.
public struct UniqueOp: PrimitiveOp {
  public static let name = "Unique"
  public static let family = OpFamily.array
  public var axis: Int?
  public var sorted: Bool
  public init(axis: Int? = nil, sorted: Bool = true) {
    self.axis = axis
    self.sorted = sorted
  }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self).type
    let vector = TensorType(.int64, .ranked([.unknown]))
    var shape = axis == nil ? Shape.ranked([.unknown]) : .unranked, inverse = vector
    if let axis, var dims = x.shape.dims {
      let axis = try indexedAxis(axis, rank: dims.count)
      guard axis < dims.count else { throw GraphError(.shapeMismatch, "Unique slices of \(x)") }
      inverse = TensorType(.int64, .ranked([dims[axis]]))
      dims[axis] = .unknown
      shape = .ranked(dims)
    } else if axis == nil, let count = x.shape.elementCount {
      inverse = TensorType(.int64, [count])
    }
    return [TensorType(x.dtype, shape), vector, inverse, vector]
  }

  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    guard let axis else { return try unique(x.reshaped([x.count]), width: 1, in: context) }
    let place = try indexedAxis(axis, rank: x.rank)
    guard place < x.rank else { throw ExecutionError(.shapeMismatch, "Unique slices of \(x.type)") }
    // Slices first; back again at the end.
    let order = [place] + x.shape.indices.filter { $0 != place }
    let rows = place == 0 ? x : try StridedView(x).permuted(order).copy(in: context)
    let width = rows.shape.dropFirst().reduce(1, *)
    var results = try unique(rows, width: width, in: context)
    if place != 0 {
      results[0] = try StridedView(results[0]).permuted(order.indices.map { i in order.firstIndex(of: i) ?? 0 }).copy(in: context)
    }
    return results
  }

  private func unique(_ rows: NDArray, width: Int, in context: ExecutionContext) throws -> [NDArray] {
    if rows.dtype == .string {
      return try unique(rows, rows.strings, width: width, in: context) { $0.lexicographicallyPrecedes($1) }
    }
    if let whole = rows.integers(), rows.dtype != .uint64 { return try unique(rows, whole, width: width, in: context, <) }
    if rows.dtype == .uint64 { return try unique(rows, rows.values(UInt64.self), width: width, in: context, <) }
    return try unique(rows, rows.doubles(), width: width, in: context, <)
  }

  private func unique<E: Equatable>(
    _ rows: NDArray, _ elements: [E], width: Int, in context: ExecutionContext, _ less: (E, E) -> Bool
  ) throws -> [NDArray] {
    let count = rows.shape[0]
    func compare(_ a: Int, _ b: Int) -> Int {
      for i in 0..<width {
        let x = elements[a * width + i], y = elements[b * width + i]
        let xIsNaN = x != x, yIsNaN = y != y
        // A NaN stands behind the numbers, and each is its own.
        if xIsNaN || yIsNaN {
          if xIsNaN != yIsNaN { return xIsNaN ? 1 : -1 }
          if a != b { return a < b ? -1 : 1 }
          continue
        }
        if less(x, y) { return -1 }
        if less(y, x) { return 1 }
      }
      return 0
    }
    let order = (0..<count).sorted { a, b in
      let c = compare(a, b)
      return c != 0 ? c < 0 : a < b
    }
    var firsts: [Int] = [], groups: [Int] = Array(repeating: 0, count: count), counts: [Int64] = []
    for (i, row) in order.enumerated() {
      if i == 0 || compare(order[i - 1], row) != 0 {
        firsts.append(row)
        counts.append(0)
      }
      groups[row] = firsts.count - 1
      counts[firsts.count - 1] += 1
    }
    if !sorted {
      // Renumber by first occurrence.
      let renumbered = firsts.indices.sorted { firsts[$0] < firsts[$1] }
      var position = [Int](repeating: 0, count: firsts.count)
      for (new, old) in renumbered.enumerated() { position[old] = new }
      groups = groups.map { position[$0] }
      counts = renumbered.map { counts[$0] }
      firsts = renumbered.map { firsts[$0] }
    }
    let shape = [firsts.count] + rows.shape.dropFirst()
    return [
      try rows.picking(firsts, run: width, shape: shape, in: context), NDArray(firsts.map(Int64.init), [firsts.count]),
      NDArray(groups.map(Int64.init), [count]), NDArray(counts, [firsts.count]),
    ]
  }
}
