import ModelOps
import ModelSupport
import ModelTensor

/// Images seen askew, rectangles taken out of them, and images mixed with others of their batch.
extension RandomImages {
  func sheared() throws -> Tensor {
    let across = try settings.range("x_factor", (0, 0)), down = try settings.range("y_factor", (0, 0))
    let isBackwards = try draw([count, 1]) .> 0.5
    let y = try draw([count, 1], down.low, down.high), x = try draw([count, 1], across.low, across.high)
    func turned(_ shear: Tensor) throws -> Tensor { try Tensor.where(isBackwards, -shear, shear) }
    let zeros = try Tensor.zeros([count, 1]), ones = try Tensor.ones([count, 1])
    return try projected([ones, try turned(x), zeros, try turned(y), ones, zeros])
  }

  /// Each corner drawn somewhere else, and the image as it is seen from there.
  func seenAskew() throws -> Tensor {
    let factor = try settings.range("factor", (0, 1)) { (0, abs($0)) }, scale = try settings.number("scale", 1)
    let isApplied = try draw([count], factor.low, factor.high) .> draw([count])
    let shifts = try draw([count, 4, 2], -0.5 * scale, 0.5 * scale)
    let right = Float(width - 1), bottom = Float(height - 1)
    let corners: [(x: Float, y: Float)] = [(0, 0), (right, 0), (0, bottom), (right, bottom)]
    let starts = try Tensor(corners.flatMap { [$0.x, $0.y] }, shape: [1, 4, 2]), ends = try starts + starts * shifts
    // Eight equations for the numbers that take a place of the result back to one of the image.
    var rows: [Tensor] = []
    for (index, corner) in corners.enumerated() {
      let x = try ends[Axis.all, index, 0], y = try ends[Axis.all, index, 1]
      let one = try Tensor.ones(like: x), zero = try Tensor.zeros(like: x)
      rows.append(try Tensor.stack([x, y, one, zero, zero, zero, x * -Double(corner.x), y * -Double(corner.x)], axis: -1))
      rows.append(try Tensor.stack([zero, zero, zero, x, y, one, x * -Double(corner.y), y * -Double(corner.y)], axis: -1))
    }
    let wanted = try Tensor(corners.flatMap { [$0.x, $0.y] }, shape: [1, 8, 1]) * Tensor.ones([count, 8, 1])
    let maps = try Dispatch.one(MatrixSolveOp(), try Tensor.stack(rows, axis: 1), wanted).reshape([count, 8])
    let seen = try projected(maps, .constant)
    return try Tensor.where(try isApplied.reshape([count, 1, 1, 1]), seen, images)
  }

  func erased() throws -> Tensor {
    let factor = try settings.range("factor", (0, 1)) { (0, abs($0)) }, scale = try settings.range("scale", (0.02, 0.33)) { (0, abs($0)) }
    let range = try settings.range("value_range", (0, 255))
    let shares = try draw([count, 2], scale.low, scale.high, dtype: images.dtype).sqrt()
    let columns = try span(width, shares[Axis.all, 0]), rows = try span(height, shares[Axis.all, 1])
    let inside = try rectangle(columns, rows)
    let probability = try draw([count], factor.low, factor.high), isErased = try draw([count]) .< probability
    let fill: Tensor
    if !settings.has("fill_value") {
      fill = try Tensor.random.normal(images.shape, dtype: images.dtype, seed: seed) * range.high
    } else if let colours = settings.numbers("fill_value") {
      guard colours.count == images.shape[channelAxis] else { throw settings.invalid("fill_value", "a number for each channel") }
      var shape = [1, 1, 1, 1]
      shape[channelAxis] = colours.count
      fill = try Tensor(colours).reshape(shape).cast(to: images.dtype)
    } else {
      fill = try Tensor.scalar(try settings.number("fill_value"), dtype: images.dtype)
    }
    let isHere = try inside.logicalAnd(try isErased.reshape([count, 1, 1, 1]))
    return try Tensor.where(isHere, try fill.clip(min: range.low, max: range.high), images)
  }
  /// Where a part of an extent begins and ends, for each image.
  private func span(_ extent: Int, _ share: Tensor) throws -> (start: Tensor, end: Tensor) {
    let length = try share * Double(extent)
    let start = try draw([count], dtype: images.dtype) * (Double(extent) - length)
    return (start, try start + length)
  }
  private func rectangle(_ columns: (start: Tensor, end: Tensor), _ rows: (start: Tensor, end: Tensor)) throws -> Tensor {
    func within(_ extent: Int, _ axis: Int, _ span: (start: Tensor, end: Tensor)) throws -> Tensor {
      var shape = [1, 1, 1, 1]
      shape[axis] = extent
      let places = try Tensor((0..<extent).map { Float($0) }).reshape(shape).cast(to: images.dtype)
      return try (places .>= span.start.reshape([count, 1, 1, 1])).logicalAnd(places .< span.end.reshape([count, 1, 1, 1]))
    }
    return try within(width, rowAxis + 1, columns).logicalAnd(try within(height, rowAxis, rows))
  }

  // MARK: Mixing

  /// Images in other places of the batch. TensorFlow's order is another one for the same seed.
  private func shuffled() throws -> Tensor { try images.gather(try draw([count]).topK(count).indices) }
  /// Draws of Beta(alpha, alpha) by Jöhnk's method: the first of so many pairs that fits.
  private func beta(_ alpha: Tensor) throws -> Tensor {
    let tries = 64, power = try 1 / alpha
    let x = try draw([tries, count]) ** power, y = try draw([tries, count]) ** power
    let sum = try x + y, fits = try (sum .<= 1).logicalAnd(sum .> 0)
    let first = try fits.cast(to: .float32).argMax(axis: 0).expandDims(axis: 0)
    let share = try Tensor.where(sum .> 0, try x / Tensor.where(sum .> 0, sum, try Tensor.ones(like: sum)), 0.5)
    return try share.takeAlong(first, axis: 0).reshape([count])
  }

  func mixedUp() throws -> Tensor {
    let alpha = try settings.number("alpha", 0.2)
    guard alpha > 0, alpha <= 2 else { throw settings.invalid("alpha", "above 0 and at most 2, as far as it trains here") }
    let other = try shuffled(), weight = try beta(Tensor.constant(alpha)).reshape([count, 1, 1, 1]).cast(to: images.dtype)
    return try weight * images + (1 - weight) * other
  }
  func cutMixed() throws -> Tensor {
    let factor = try settings.range("factor", (0, 1)) { (0, abs($0)) }
    guard factor.low >= 0, factor.high <= 2 else { throw settings.invalid("factor", "from 0 to 1") }
    let weight = try beta(try draw([], factor.low, factor.high) + 1e-6)
    let share = try (1 - weight).sqrt().cast(to: images.dtype)
    let inside = try rectangle(try span(width, share), try span(height, share))
    return try Tensor.where(inside, try shuffled(), images)
  }
}
