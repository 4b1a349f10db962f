import ModelGraph
import ModelOps
import ModelTensor

extension Col2ImOp: DifferentiableOp {
  /// Each element of a column has the gradient of the pixel that it was added to.
  public func pullback<C: OpContext>(_ call: Pullback<C.Value>, in c: inout C) throws -> [C.Value?] {
    let columns = try c.extents(of: try call.x(0))
    guard let image = c.fact(of: try call.x(1)).integers, let block = c.fact(of: try call.x(2)).integers, columns.count == 3,
      image.count == block.count, !image.isEmpty
    else { throw GraphError(.missingType, "the gradient of Col2Im needs the shapes of image and block") }
    func at(_ list: [Int], _ axis: Int, _ filler: Int) -> Int { axis < list.count ? list[axis] : filler }
    var padded: [Int] = [], counts: [Int] = []
    for axis in image.indices {
      let extent = image[axis] + at(before, axis, 0) + at(after, axis, 0), span = at(dilations, axis, 1) * (block[axis] - 1) + 1
      padded.append(extent)
      counts.append(extent < span ? 0 : (extent - span) / at(strides, axis, 1) + 1)
    }
    /// The places of a grid of these extents, the last axis fastest.
    func places(_ extents: [Int]) -> [[Int]] {
      extents.reduce([[]]) { front, extent in front.flatMap { head in (0..<extent).map { head + [$0] } } }
    }
    var indices: [Int64] = []
    for inside in places(block) {
      for start in places(counts) {
        var place = 0
        for axis in image.indices {
          place = place * padded[axis] + start[axis] * at(strides, axis, 1) + inside[axis] * at(dilations, axis, 1)
        }
        indices.append(Int64(place))
      }
    }
    let taps = block.reduce(1, *), steps = counts.reduce(1, *)
    guard taps > 0, columns[1] % taps == 0, columns[2] == steps else {
      throw GraphError(.shapeMismatch, "Col2Im of \(columns) to \(image) by \(block)")
    }
    let zeros = [0, 0]
    let g = try c.pad(
      try call.g(), before: zeros + image.indices.map { at(before, $0, 0) }, after: zeros + image.indices.map { at(after, $0, 0) })
    let flat = try c.reshaped(g, [columns[0], columns[1] / taps, padded.reduce(1, *)])
    let picked = try c.gather(flat, try c.constant(NDArray(indices, [taps, steps])), axis: 2)
    return [try c.reshaped(picked, columns), nil, nil]
  }
}
