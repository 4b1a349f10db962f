import ModelGraph
import ModelSupport
import ModelTensor

extension GridSampleOp: SpelledOp {
  /// Rows of elements gathered by number, one for each neighbour of a place, times their weights.
  public func spelled<C: OpContext>(_ inputs: [C.Value?], in context: inout C) throws -> [C.Value]? {
    guard inputs.count == 2, let x = inputs[0], let grid = inputs[1], let dims = context.type(of: x).shape.dims,
      dims.count >= 3, let spatial = Shape.ranked(Array(dims[2...])).extents, let volume = checkedProduct(spatial), volume > 0,
      volume < 1 << 31, context.type(of: grid).shape.rank == dims.count,
      let type = try? infer([context.fact(of: x), context.fact(of: grid)])[0], let out = type.shape.dims
    else { return nil }
    let n = spatial.count, dtype = context.type(of: x).dtype
    var neighbours: [(place: C.Value?, weight: C.Value?)] = [(nil, nil)]
    for axis in 0..<n {
      let coordinate = try context.reshape(
        try context.slice(grid, axis: n + 1, start: n - 1 - axis, end: n - axis), [0, -1])
      let line = try samples(coordinate, extent: spatial[axis], in: &context)
      var next: [(place: C.Value?, weight: C.Value?)] = []
      for near in neighbours {
        for sample in line {
          var place = sample.place, weight = sample.weight
          if let outer = near.place {
            place = try context.add(try context.mul(outer, try context.scalar(Double(spatial[axis]), like: outer)), place)
          }
          if let outer = near.weight { weight = try weight.map { try context.mul(outer, $0) } ?? outer }
          next.append((place, weight))
        }
      }
      neighbours = next
    }
    // [N, V, C], of which a place takes a row.
    let elements = try context.transpose(try context.reshape(x, [0, 0, volume]), [0, 2, 1])
    var sum: C.Value?
    for near in neighbours {
      guard let place = near.place else { return nil }
      var part = try rows(of: elements, at: place, batch: dims[0].value, volume: volume, in: &context)
      if let weight = near.weight { part = try context.mul(part, try context.cast(try context.unsqueeze(weight, [2]), to: dtype)) }
      sum = try sum.map { try context.add($0, part) } ?? part
    }
    guard let sum else { return nil }
    let result = try context.transpose(sum, [0, 2, 1])
    if out.filter({ $0.value == nil }).count <= 1 { return [try context.reshape(result, out.map { $0.value ?? -1 })] }
    let leading = try context.apply(ShapeOp(start: 0, end: 2), result), rest = try context.apply(ShapeOp(start: 1, end: n + 1), grid)
    return [try context.reshape(result, to: try context.concat([leading, rest], axis: 0))]
  }

  private func rows<C: OpContext>(
    of elements: C.Value, at place: C.Value, batch: Int?, volume: Int, in context: inout C
  ) throws -> C.Value {
    guard let batch, batch < 1 << 20, batch.multipliedReportingOverflow(by: volume).partialValue < 1 << 31 else {
      return try context.apply(GatherNDOp(batchDims: 1), elements, try context.unsqueeze(place, [2]))
    }
    let flat = try context.reshape(elements, [batch * volume, -1])
    guard batch > 1 else { return try context.gather(flat, place, axis: 0) }
    let starts = try context.constant(NDArray((0..<batch).map { Int32(clamping: $0 * volume) }, [batch, 1]))
    return try context.gather(flat, try context.add(place, starts), axis: 0)
  }

  /// The elements of a line that coordinates stand for, numbers in int32, with weights; `nil` weighs 1.
  private func samples<C: OpContext>(
    _ coordinate: C.Value, extent: Int, in context: inout C
  ) throws -> [(place: C.Value, weight: C.Value?)] {
    let length = Double(extent)
    func number(_ value: Double) throws -> C.Value { try context.scalar(value, like: coordinate) }
    let shifted = try context.add(coordinate, try number(1))
    var place = try context.mul(shifted, try number((alignCorners ? length - 1 : length) / 2))
    if !alignCorners { place = try context.sub(place, try number(0.5)) }
    if mode == .nearest { place = try context.apply(RoundOp(), place) }
    if padding == .border, mode != .cubic { place = try context.clip(place, min: 0, max: length - 1) }
    if padding == .reflection { place = try reflected(place, length, in: &context) }
    let whole = mode == .nearest ? place : try context.apply(FloorOp(), place)
    let ratio = mode == .nearest ? nil : try context.sub(place, whole)
    let offsets: [Int] = mode == .nearest ? [0] : mode == .linear ? [0, 1] : [-1, 0, 1, 2]
    return try offsets.map { offset in
      var index = offset == 0 ? whole : try context.add(whole, try number(Double(offset)))
      if padding == .reflection { index = try reflected(index, length, in: &context) }
      let inside = try context.clip(index, min: 0, max: length - 1)
      var weight = try ratio.map { try self.weight(of: offset, $0, in: &context) }
      if padding == .zeros {
        let isInside = try context.cast(try context.apply(EqualOp(), inside, index), to: context.type(of: coordinate).dtype)
        weight = try weight.map { try context.mul($0, isInside) } ?? isInside
      }
      return (try context.cast(inside, to: .int32), weight)
    }
  }

  private func weight<C: OpContext>(of offset: Int, _ ratio: C.Value, in context: inout C) throws -> C.Value {
    func number(_ value: Double) throws -> C.Value { try context.scalar(value, like: ratio) }
    if mode == .linear { return offset == 1 ? ratio : try context.sub(try number(1), ratio) }
    // The cubic filter with a = −0.75, at the distance of the neighbour.
    let a = -0.75
    let x = try context.apply(AbsOp(), try context.sub(try number(Double(offset)), ratio))
    let isNear = offset == 0 || offset == 1
    let factors = isNear ? [a + 2, -(a + 3), 0, 1] : [a, -5 * a, 8 * a, -4 * a]
    var value = try context.mul(x, try number(factors[0]))
    for factor in factors[1...2] { value = try context.mul(try context.add(value, try number(factor)), x) }
    return try context.add(value, try number(factors[3]))
  }

  /// Folded back from the borders: a triangular wave.
  private func reflected<C: OpContext>(_ place: C.Value, _ length: Double, in context: inout C) throws -> C.Value {
    func number(_ value: Double) throws -> C.Value { try context.scalar(value, like: place) }
    let low = alignCorners ? 0 : -0.5, range = alignCorners ? length - 1 : length
    guard range > 0 else { return try context.mul(place, try number(0)) }
    let distance = try context.apply(AbsOp(), try context.sub(place, try number(low)))
    let turns = try context.apply(FloorOp(), try context.div(distance, try number(2 * range)))
    let rest = try context.sub(distance, try context.mul(turns, try number(2 * range)))
    let folded = try context.minimum(rest, try context.sub(try number(2 * range), rest))
    return try context.add(folded, try number(low))
  }
}
