import ModelGraph
import ModelTensor

/// RESIZE_BILINEAR and RESIZE_NEAREST_NEIGHBOR of images, which LiteRT has with their channels last.
extension ResizeOp: IntegerKernel {
  public func evaluateIntegers(_ inputs: [NDArray?], _ types: IntegerTypes, in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self), to = try types.output(of: self)
    guard x.dtype == to.dtype, types.activation == .none else { throw noKernel(x.dtype) }
    if mode == .nearest { return try evaluate(inputs, in: context) }
    let spatial = try (axes ?? Array(0..<x.rank)).map { try normalizeAxis($0, rank: x.rank) }
    guard mode == .linear, x.rank == 4, let sizes = inputs.optional(3)?.integers(), sizes.count == spatial.count else {
      throw noKernel(x.dtype)
    }
    var shape = x.shape
    for (axis, size) in zip(spatial, sizes) { shape[axis] = size }
    // Channels that come first are put last.
    if shape[3] != x.shape[3] || spatial.sorted() == [2, 3], shape[0] == x.shape[0], shape[1] == x.shape[1] {
      var turned = self
      turned.axes = [1, 2]
      let image = try TransposeOp(permutation: [0, 2, 3, 1]).evaluate([x], in: context)[0]
      let extents = NDArray([Int64(shape[2]), Int64(shape[3])], [2])
      let made = try turned.evaluateIntegers([image, nil, nil, extents], types, in: context)
      return try TransposeOp(permutation: [0, 3, 1, 2]).evaluate(made, in: context)
    }
    guard shape[0] == x.shape[0], shape[3] == x.shape[3], shape[1] > 0, shape[2] > 0, x.count > 0, x.shape.allSatisfy({ $0 < 1 << 20 }),
      shape.allSatisfy({ $0 < 1 << 20 })
    else { throw noKernel(x.dtype) }
    try context.demand(.int32, shape)
    let halfPixel: Bool, corners: Bool
    switch coordinateMode {
    case .halfPixel, .pytorchHalfPixel: (halfPixel, corners) = (true, false)
    case .alignCorners: (halfPixel, corners) = (false, true)
    case .asymmetric: (halfPixel, corners) = (false, false)
    default: throw noKernel(x.dtype)
    }
    let values = try x.stored(for: self)
    let image = Image(values: values, from: x.shape, to: shape, halfPixel: halfPixel, corners: corners)
    let out = x.dtype == .uint8 ? image.resizedInFloat() : image.resizedInFixedPoint()
    return [try .storing(out, as: to.dtype, shape, for: self, in: context)]
  }
}

private struct Image {
  let values: [Int32]
  let from: [Int], to: [Int]
  let halfPixel: Bool, corners: Bool

  private func at(_ n: Int, _ y: Int, _ x: Int, _ c: Int) -> Int32 { values[((n * from[1] + y) * from[2] + x) * from[3] + c] }

  /// 8 and 16 bits: positions in steps of 1/1024.
  func resizedInFixedPoint() -> [Int32] {
    func positions(_ axis: Int) -> [(at: Int, low: Int, high: Int)] {
      let input = from[axis], output = to[axis]
      let scale =
        corners && output > 1 ? (1024 * (input - 1) + (output - 1) / 2) / (output - 1) : (1024 * input + output / 2) / output
      return (0..<output).map { place in
        let at = halfPixel ? place * scale + scale / 2 - 512 : place * scale
        // The rounded scale adds up: of thousands of places the last ones come to stand behind the input, where LiteRT reads on.
        return (at, min(max(at / 1024, 0), input - 1), min((at + 1023) / 1024, input - 1))
      }
    }
    let rows = positions(1), columns = positions(2)
    return map { n, y, x, c in
      let (row, column) = (rows[y], columns[x])
      let below = row.at - 1024 * row.low, right = column.at - 1024 * column.low
      let sum =
        Int(at(n, row.low, column.low, c)) * (1024 - below) * (1024 - right)
        + Int(at(n, row.high, column.low, c)) * below * (1024 - right)
        + Int(at(n, row.low, column.high, c)) * (1024 - below) * right
        + Int(at(n, row.high, column.high, c)) * below * right
      return Int32(truncatingIfNeeded: (sum + (sum > 0 ? 1 << 19 : -(1 << 19))) / (1 << 20))
    }
  }

  /// uint8: in float32.
  func resizedInFloat() -> [Int32] {
    func positions(_ axis: Int) -> [(at: Float, low: Int, high: Int)] {
      let input = from[axis], output = to[axis]
      let scale = corners && output > 1 ? Float(input - 1) / Float(output - 1) : Float(input) / Float(output)
      return (0..<output).map { place in
        let at = halfPixel ? (Float(place) + 0.5) * scale - 0.5 : Float(place) * scale
        return (at, min(max(Int(at.rounded(.down)), 0), input - 1), min(Int(at.rounded(.up)), input - 1))
      }
    }
    let rows = positions(1), columns = positions(2)
    return map { n, y, x, c in
      let (row, column) = (rows[y], columns[x])
      let below = row.at - Float(row.low), right = column.at - Float(column.low)
      let topLeft = Float(at(n, row.low, column.low, c)) * (1 - below) * (1 - right)
      let bottomLeft = Float(at(n, row.high, column.low, c)) * below * (1 - right)
      let topRight = Float(at(n, row.low, column.high, c)) * (1 - below) * right
      let bottomRight = Float(at(n, row.high, column.high, c)) * below * right
      return convert(topLeft + bottomLeft + topRight + bottomRight + 0.5)
    }
  }

  private func map(_ pixel: (_ n: Int, _ y: Int, _ x: Int, _ c: Int) -> Int32) -> [Int32] {
    var out: [Int32] = []
    out.reserveCapacity(to.reduce(1, *))
    for n in 0..<to[0] { for y in 0..<to[1] { for x in 0..<to[2] { for c in 0..<to[3] { out.append(pixel(n, y, x, c)) } } } }
    return out
  }
}
