import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

extension NodeReader {
  /// Windows of a tensor with channels last, each one vector: along each axis the places of all windows are gathered, which fits
  /// values of any type.
  func patches(_ rank: Int, strides: String, rates: String?, _ g: inout GraphContext) throws -> ValueID {
    let kernel = try window("ksizes", rank, .channelsLast), steps = try window(strides, rank, .channelsLast)
    let spacing = try rates.map { try window($0, rank, .channelsLast) } ?? Array(repeating: 1, count: rank)
    var x = try input(0)
    guard let dims = g.type(of: x).shape.dims, dims.count == rank + 2, let channels = dims[rank + 1].value else {
      throw UnsupportedError("\(type) of a tensor of unknown extents")
    }
    let isSame = try string("padding") == "SAME"
    var before = [Int](repeating: 0, count: rank + 2), after = before, counts: [Int] = []
    for axis in 0..<rank {
      guard let extent = dims[axis + 1].value, let reach = checkedProduct([kernel[axis] - 1, spacing[axis]]), reach < 1 << 24 else {
        throw UnsupportedError("\(type) of a tensor of unknown extents")
      }
      let count = isSame ? (extent + steps[axis] - 1) / steps[axis] : max(0, (extent - reach - 1 + steps[axis]) / steps[axis])
      let missing = isSame ? max(0, (count - 1) * steps[axis] + reach + 1 - extent) : 0
      (before[axis + 1], after[axis + 1]) = (missing / 2, missing - missing / 2)
      counts.append(count)
    }
    guard let width = checkedProduct(kernel + [channels]) else { throw UnsupportedError("\(type) of windows \(kernel)") }
    x = try g.pad(x, before: before, after: after)
    // [N, window, place in it, …, C]
    for axis in 0..<rank {
      let places = (0..<counts[axis]).flatMap { window in (0..<kernel[axis]).map { window * steps[axis] + $0 * spacing[axis] } }
      let indices = try g.reshape(try g.ints(places), [counts[axis], kernel[axis]])
      x = try g.gather(x, indices, axis: 1 + 2 * axis)
    }
    let order = [0] + (0..<rank).map { 1 + 2 * $0 } + (0..<rank).map { 2 + 2 * $0 } + [2 * rank + 1]
    return try g.reshape(try g.transpose(x, order), [0] + counts + [width])
  }
}
