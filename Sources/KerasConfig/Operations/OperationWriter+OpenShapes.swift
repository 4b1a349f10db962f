import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// What Keras's operations say of extents that are known at run time alone: they take no computed shapes.
extension OperationWriter {
  /// The places along an axis, 0, 1, …: ones along it are summed up.
  mutating func places(of source: WrittenTensor, _ axis: Int, _ dtype: DType) throws -> WrittenTensor {
    let line = try getItem(source, try (0..<source.rank()).map { $0 == axis ? Self.slice(nil, nil) : 0 })
    let ones = try call(.numpy, "OnesLike", [.tensor(line)], ["dtype": .string(dtype.rawValue)])
    let places = try call(.numpy, "Cumsum", [.tensor(ones)], ["axis": 0, "dtype": nil])
    return try binary("Subtract", places, try scalar(1, like: places))
  }

  /// A reshape that puts in or takes out axes of extent 1 and does nothing else. `nil` for any other.
  mutating func reranked(_ x: WrittenTensor, _ dims: [Dim], _ wanted: [Dim], allowZero: Bool) throws -> WrittenTensor? {
    let result = wanted.enumerated().map { axis, dim in dim == .fixed(0) && !allowZero && axis < dims.count ? dims[axis] : dim }
    var from = dims.filter { $0 != .fixed(1) }, to = result.filter { $0 != .fixed(1) }
    // One extent may be left to follow from all others.
    if let place = to.firstIndex(of: .fixed(-1)), from.indices.contains(place) {
      from.remove(at: place)
      to.remove(at: place)
    }
    guard from == to, !from.contains(.unknown) else { return nil }
    let flat = try squeeze(x, dims.indices.filter { dims[$0] == .fixed(1) })
    return try expandDims(flat, result.indices.filter { result[$0] == .fixed(1) })
  }

  /// More slices than this are no way to merge two axes.
  private static let partLimit = 256

  /// A reshape that leaves leading axes alone, several of which are unknown, and takes the known ones behind them apart or
  /// together: `[batch, steps, 16]` to `[batch, steps, 4, 4]` and back. By splitting and joining the last axis. `nil` for any other.
  mutating func regrouped(_ x: WrittenTensor, _ dims: [Dim], _ wanted: [Dim], allowZero: Bool) throws -> WrittenTensor? {
    var kept = 0, isGuessed = false
    while kept < dims.count, kept < wanted.count {
      let isCopied = wanted[kept] == .fixed(0) && !allowZero
      if !isCopied, wanted[kept] != dims[kept] || dims[kept] == .unknown {
        // One extent may be left to follow from all others.
        guard wanted[kept] == .fixed(-1), !isGuessed else { break }
        isGuessed = true
      }
      kept += 1
    }
    // What is taken apart begins where the known extents do.
    while kept > 0, dims[kept - 1].value != nil, kept == dims.count || kept == wanted.count { kept -= 1 }
    var from = dims[kept...].compactMap(\.value)
    let to = wanted[kept...].compactMap(\.value)
    guard from.count == dims.count - kept, to.count == wanted.count - kept, !from.isEmpty, !to.isEmpty, to.allSatisfy({ $0 > 0 }),
      let total = checkedProduct(from), total == checkedProduct(to), total > 0
    else { return nil }
    var y = x
    while from.count > 1 {
      let last = from.removeLast(), count = from.removeLast(), rank = kept + from.count + 2
      guard count <= Self.partLimit else { return nil }
      let whole = Array(repeating: Self.slice(nil, nil), count: rank - 2)
      let parts = try (0..<count).map { try getItem(y, whole + [.int($0)]) }
      y = parts.count == 1 ? parts[0] : try concatenate(parts, axis: rank - 2)
      from.append(count * last)
    }
    for (index, count) in to.dropLast().enumerated() {
      let axis = kept + index
      guard count <= Self.partLimit else { return nil }
      if count == 1 {
        y = try expandDims(y, [axis])
        continue
      }
      let parts = try calls(.numpy, "Split", [.tensor(y)], ["indices_or_sections": .int(count), "axis": .int(axis)])
      y = try concatenate(try parts.map { try expandDims($0, [axis]) }, axis: axis)
    }
    return y
  }
}
