import ModelGraph
import ModelTensor
import RealModule

/// MEAN, SUM, REDUCE_PROD, and REDUCE_MAX and REDUCE_MIN of stored numbers.
extension ReduceOp: IntegerKernel {
  public func evaluateIntegers(_ inputs: [NDArray?], _ types: IntegerTypes, in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self), from = try types.input(0, of: self), to = try types.output(of: self)
    guard from.dtype == to.dtype, types.activation == .none else { throw noKernel(x.dtype) }
    if kind == .max || kind == .min { return try evaluate(inputs, in: context) }
    let dropped = try reduced(inputs.optional(1)?.integers(), rank: x.rank)
    let shape = x.shape.indices.compactMap { dropped.contains($0) ? (keepDims ? 1 : nil) : x.shape[$0] }
    let count = dropped.map { x.shape[$0] }.reduce(1, *)
    try context.demand(.int64, shape)
    let results = shape.reduce(1, *)
    guard count > 0, results > 0 else {
      return [try .storing([Int32](repeating: 0, count: results), as: to.dtype, shape, for: self, in: context)]
    }
    // The step of each axis in the result, in the order in which the input is walked.
    var steps = [Int](repeating: 0, count: x.rank), step = 1
    for axis in x.shape.indices.reversed() where !dropped.contains(axis) {
      steps[axis] = step
      step *= x.shape[axis]
    }
    let walk = BroadcastWalk(shape: x.shape, steps: [steps]), values = try x.stored(for: self)
    let out: [Int32] =
      kind == .prod
      ? try products(values, walk, steps.last ?? 0, count, results, from, to)
      : try sums(values, walk, steps.last ?? 0, count, results, from, to)
    return [try .storing(out, as: to.dtype, shape, for: self, in: context)]
  }

  private func sums(
    _ x: [Int32], _ walk: BroadcastWalk, _ step: Int, _ count: Int, _ results: Int, _ from: QuantizedType, _ to: QuantizedType
  ) throws -> [Int32] {
    guard kind == .sum || kind == .mean else { throw noKernel(from.dtype) }
    var sums = [Int32](repeating: 0, count: results)
    x.withUnsafeBufferPointer { x in
      sums.withUnsafeMutableBufferPointer { sums in
        guard let x = x.baseAddress, let sums = sums.baseAddress else { return }
        walk.forEachRun { place, offsets, length in
          let to = sums + offsets[0], from = x + place
          if step == 0 {
            var sum: Int32 = 0
            for i in 0..<length { sum &+= from[i] }
            to[0] &+= sum
          } else if step == 1 {
            for i in 0..<length { to[i] &+= from[i] }
          } else {
            for i in 0..<length { to[i * step] &+= from[i] }
          }
        }
      }
    }
    let range = try to.range(of: self)
    if kind == .sum, from.dtype != .uint8 {
      // LiteRT's optimised kernel, which counts here, brings the sums to the result's scale as float32.
      let scale = from.scale / to.scale, bias = Float(0 &- from.offset) * scale * Float(count)
      return sums.map { sum in
        let real = (Float(sum) * scale + bias).rounded(.toNearestOrAwayFromZero)
        let bounded = real > -0x1p30 ? Swift.min(real, 0x1p30) : -0x1p30
        return range.clamp(Int32(bounded) &+ to.offset)
      }
    }
    var factor = FixedPointFactor(Double(from.scale) / Double(to.scale))
    if kind == .mean {
      // Divided into the factor, with as many bits more as it has room for.
      let shift = min(63 - UInt64(count).leadingZeroBitCount, 32, 31 + factor.shift)
      factor = FixedPointFactor(
        value: Int32(truncatingIfNeeded: (Int64(factor.value) << Int64(max(0, shift))) / Int64(count)), shift: factor.shift - shift)
    }
    let total = Int32(truncatingIfNeeded: Int64(from.offset) &* Int64(count))
    return sums.map { range.clamp(factor.times($0 &- total) &+ to.offset) }
  }

  private func products(
    _ x: [Int32], _ walk: BroadcastWalk, _ step: Int, _ count: Int, _ results: Int, _ from: QuantizedType, _ to: QuantizedType
  ) throws -> [Int32] {
    guard from.dtype != .uint8 else { throw noKernel(from.dtype) }
    // A root of the result's scale goes into each step.
    let factor = FixedPointFactor(Double(from.scale) / Double.pow(Double(to.scale), 1 / Double(count)))
    var products = [Int32](repeating: 0, count: results), isStarted = [Bool](repeating: false, count: results)
    walk.forEachRun { place, offsets, length in
      for i in 0..<length {
        let at = offsets[0] + i * step, value = x[place + i] &- from.offset
        products[at] = isStarted[at] ? factor.times(Int64(products[at]) * Int64(value)) : value
        isStarted[at] = true
      }
    }
    let range = try to.range(of: self)
    return products.map { range.clamp(factor.times(Int64($0)) &+ to.offset) }
  }
}

/// The first extreme among stored numbers is that among the real ones.
extension ArgMaxOp: MovingKernel {}
extension ArgMinOp: MovingKernel {}

extension LpNormalizationOp: IntegerKernel {
  /// L2_NORMALIZATION along the last axis, to the scale 1/128.
  public func evaluateIntegers(_ inputs: [NDArray?], _ types: IntegerTypes, in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self), from = try types.input(0, of: self), to = try types.output(of: self)
    let axis = try normalizeAxis(axis, rank: x.rank)
    guard p == 2, axis == x.rank - 1, x.dtype == to.dtype, x.dtype == .int8 || x.dtype == .uint8, types.activation == .none else {
      throw noKernel(x.dtype)
    }
    let depth = x.shape[axis], range = try to.range(of: self), zero: Int32 = x.dtype == .uint8 ? 128 : 0
    var values = try x.stored(for: self)
    for start in Swift.stride(from: 0, to: values.count, by: max(1, depth)) {
      var sum: Int32 = 0
      for i in start..<(start + depth) {
        values[i] &-= from.offset
        sum &+= values[i] &* values[i]
      }
      let root = FixedPointFunctions.inverseSquareRoot(sum)
      let factor = FixedPointFactor(value: root.value, shift: root.shift + 7)
      for i in start..<(start + depth) {
        let scaled = x.dtype == .uint8 ? root.times(128 &* values[i]) : factor.times(values[i])
        values[i] = range.clamp(scaled &+ zero)
      }
    }
    return [try .storing(values, as: to.dtype, x.shape, for: self, in: context)]
  }
}
