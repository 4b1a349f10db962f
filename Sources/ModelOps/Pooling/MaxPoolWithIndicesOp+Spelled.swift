import ModelGraph
import ModelSupport
import ModelTensor

extension MaxPoolWithIndicesOp: SpelledOp {
  /// Every place of the window is a slice of the padded image: the number of the greatest slice tells the place.
  public func spelled<C: OpContext>(_ inputs: [C.Value?], in context: inout C) throws -> [C.Value]? {
    let n = kernel.count
    guard let x = inputs.first ?? nil, let dims = context.type(of: x).shape.dims, dims.count == n + 2, !columnMajor,
      dilations.allSatisfy({ $0 == 1 }), context.type(of: x).dtype.isFloatingPoint,
      let rest = Shape.ranked(Array(dims.dropFirst())).extents, let volume = checkedProduct(rest), volume > 0, volume < 1 << 31,
      let taps = checkedProduct(kernel), taps <= 64
    else { return nil }
    let channelAxis = layout.channelAxis(rank: n + 2), axes = Array(layout.spatialAxes(rank: n + 2))
    let extents = [1] + rest, spatial = axes.map { extents[$0] }
    let window = try PoolWindow(
      PoolOp(.max, kernel: kernel, strides: strides, padding: padding, ceilMode: ceilMode, layout: layout), spatial: spatial)
    let steps = strides.isEmpty ? kernel.map { _ in 1 } : strides, places = StridedView.steps(of: extents)
    var before = extents.map { _ in 0 }, after = before
    for (index, axis) in axes.enumerated() { (before[axis], after[axis]) = (window.before[index], window.after[index]) }
    let padded = try context.pad(x, before: before, after: after, value: -.infinity)

    var slices: [C.Value] = [], offsets: [Int64] = []
    for tap in 0..<taps {
      var rest = tap, corner = kernel.map { _ in 0 }
      for index in (0..<n).reversed() { (rest, corner[index]) = rest.quotientAndRemainder(dividingBy: kernel[index]) }
      let ends = (0..<n).map { corner[$0] + (window.output[$0] - 1) * steps[$0] + 1 }
      let slice = try context.apply(
        SliceOp(), padded, try context.ints(corner), try context.ints(ends), try context.ints(axes), try context.ints(steps))
      slices.append(try context.unsqueeze(slice, [n + 2]))
      offsets.append(Int64((0..<n).reduce(0) { $0 + corner[$1] * places[axes[$1]] }))
    }
    let all = try context.concat(slices, axis: n + 2)
    let greatest = try context.reduce(.max, all, axes: [n + 2])
    let which = try context.apply(ArgMaxOp(axis: n + 2, keepDims: false), all)

    var place = try context.gather(try context.constant(NDArray(offsets, [taps])), which, axis: 0)
    func along(_ axis: Int, _ values: [Int]) -> NDArray {
      var shape = extents.map { _ in 1 }
      shape[axis] = values.count
      return NDArray(values.map { Int64($0) }, shape)
    }
    for (index, axis) in axes.enumerated() {
      let starts = (0..<window.output[index]).map { ($0 * steps[index] - window.before[index]) * places[axis] }
      place = try context.add(place, try context.constant(along(axis, starts)))
    }
    place = try context.add(
      place,
      try context.constant(
        along(channelAxis, (0..<extents[channelAxis]).map { $0 * places[channelAxis] })))
    if let batch = dims[0].value {
      guard batch < 1 << 20 else { return nil }
      if batch != 1 { place = try context.add(place, try context.constant(along(0, (0..<batch).map { $0 * volume }))) }
    } else {
      let count = try context.squeeze(try context.dim(of: x, 0), [0])
      let images = try context.apply(RangeOp(), try context.scalar(0, dtype: .int64), count, try context.scalar(1, dtype: .int64))
      let starts = try context.mul(images, try context.scalar(Double(volume), dtype: .int64))
      place = try context.add(place, try context.reshape(starts, [-1] + extents.dropFirst().map { _ in 1 }))
    }
    return [greatest, place]
  }
}
