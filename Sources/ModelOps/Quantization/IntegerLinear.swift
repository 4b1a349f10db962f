import ModelGraph
import ModelTensor

/// FULLY_CONNECTED: 8 bits by 8 or 4, 16 by 8 or 16; per tensor or per row of the weights.
extension FullyConnectedOp: IntegerKernel {
  public func evaluateIntegers(_ inputs: [NDArray?], _ types: IntegerTypes, in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self), w = try inputs.required(1, of: self), bias = inputs.optional(2)
    let from = try types.input(0, of: self), weights = try types.input(1, of: self), to = try types.output(of: self)
    guard w.rank == 2, let depth = w.shape.last, x.rank >= 1 || x.count == depth else {
      throw ExecutionError(.shapeMismatch, "FullyConnected of \(x.type) with weights \(w.type)")
    }
    let outputs = w.shape[0], rows = depth > 0 ? x.count / depth : keepDims ? x.shape.dropLast().reduce(1, *) : 0
    guard rows * depth == x.count, !keepDims || x.shape.last == depth else {
      throw ExecutionError(.shapeMismatch, "FullyConnected of \(x.type) with weights \(w.type)")
    }
    let shape = (keepDims ? Array(x.shape.dropLast()) : [rows]) + [outputs]
    let packed = try IntegerWeights.cached(in: context) {
      let epilogue = try IntegerEpilogue(
        from, weights, to, bias: bias, channels: outputs, inFloat: !weights.isPerAxis, activation: types.activation, of: self)
      return IntegerWeights(
        try w.centred(weights.offset, for: self), w.dtype == .int16 ? epilogue : epilogue.inDouble(from, weights, to))
    }
    let width: AccumulatorWidth = x.dtype == .int16 && bias?.dtype != .int32 ? .bits64 : .bits32
    if width == .bits32, w.dtype != .int16, rows > 0, outputs > 0, depth > 0, from.fitsSixteenBits, let kind = IntegerKind(x.dtype) {
      let result = try context.allocate(to.dtype, shape)
      try context.demand(.int32, [rows, outputs])
      let sums = [Int32](unsafeUninitializedCapacity: rows * outputs) { sums, count in
        x.withBytes { x in
          packed.values.withUnsafeBufferPointer { w in
            guard let x = x.baseAddress, let w = w.baseAddress, let sums = sums.baseAddress else { return }
            context.primitives.products(
              StoredIntegers(x, kind, zero: from.offset), w, sums, m: rows, n: outputs, k: depth, cache: packed.arranged)
            packed.epilogue.finish(sums, rows: rows, columns: outputs, firstChannel: 0, in: context)
            count = rows * outputs
          }
        }
      }
      try result.store(sums, for: self)
      return [result]
    }
    let values = try x.centred(from.offset, for: self)
    return [
      try products(
        values, packed.values, packed.epilogue, rows: rows, outputs: outputs, depth: depth, width, isNarrow: w.dtype != .int16,
        as: to.dtype, shape, for: self, in: context)
    ]
  }
}

/// BATCH_MATMUL of 8 bits, of 16 bits, and of 16 by 8.
extension MatMulOp: IntegerKernel {
  public func evaluateIntegers(_ inputs: [NDArray?], _ types: IntegerTypes, in context: ExecutionContext) throws -> [NDArray] {
    let a = try inputs.required(0, of: self), b = try inputs.required(1, of: self)
    let left = try types.input(0, of: self), right = try types.input(1, of: self), to = try types.output(of: self)
    guard a.rank >= 2, b.rank >= 2, left.dtype == to.dtype, left.dtype == .int8 || left.dtype == .int16, types.activation == .none else {
      throw noKernel(a.dtype)
    }
    func rows(_ x: NDArray, flipped: Bool) throws -> NDArray {
      guard flipped else { return x }
      let order = Array(0..<(x.rank - 2)) + [x.rank - 1, x.rank - 2]
      return try StridedView(x).permuted(order).copy(in: context)
    }
    let x = try rows(a, flipped: transposeA), w = try rows(b, flipped: !transposeB)
    let m = x.shape[x.rank - 2], n = w.shape[w.rank - 2], k = x.shape[x.rank - 1]
    guard w.shape[w.rank - 1] == k else { throw ExecutionError(.shapeMismatch, "MatMul of \(a.type) and \(b.type)") }
    let walk = try BroadcastWalk([Array(x.shape.dropLast(2)), Array(w.shape.dropLast(2))])
    let epilogue = try IntegerEpilogue(left, right, to, bias: nil, channels: 1, inFloat: true, activation: .none, of: self)
    let each = epilogue.repeated(max(1, n))
    let xs = try x.centred(left.offset, for: self), ws = try w.centred(right.offset, for: self)
    let result = try context.allocate(to.dtype, walk.shape + [m, n])
    var out = [Int32](repeating: 0, count: result.count)
    let stepA = walk.steps[0].last ?? 0, stepB = walk.steps[1].last ?? 0
    let width: AccumulatorWidth = left.dtype == .int16 ? .bits64 : .bits32, isNarrow = right.dtype != .int16
    walk.forEachRun { place, offsets, length in
      for i in 0..<length {
        let part = multiply(
          xs[((offsets[0] + i * stepA) * m * k)..<((offsets[0] + i * stepA + 1) * m * k)],
          ws[((offsets[1] + i * stepB) * n * k)..<((offsets[1] + i * stepB + 1) * n * k)], each, rows: m, outputs: n, depth: k, width,
          isNarrow: isNarrow, in: context)
        out.replaceSubrange(((place + i) * m * n)..<((place + i + 1) * m * n), with: part)
      }
    }
    return [try .storing(out, as: to.dtype, result.shape, for: self, in: context)]
  }
}

private func products(
  _ x: [Int16], _ w: [Int16], _ epilogue: IntegerEpilogue, rows: Int, outputs: Int, depth: Int, _ width: AccumulatorWidth, isNarrow: Bool,
  as dtype: DType, _ shape: [Int], for op: any Op, in context: ExecutionContext
) throws -> NDArray {
  try context.demand(.int64, shape)
  let out = multiply(x[...], w[...], epilogue, rows: rows, outputs: outputs, depth: depth, width, isNarrow: isNarrow, in: context)
  return try .storing(out, as: dtype, shape, for: op, in: context)
}

private func multiply(
  _ x: ArraySlice<Int16>, _ w: ArraySlice<Int16>, _ epilogue: IntegerEpilogue, rows: Int, outputs: Int, depth: Int,
  _ width: AccumulatorWidth, isNarrow: Bool, in context: ExecutionContext
) -> [Int32] {
  var out = [Int32](repeating: 0, count: rows * outputs)
  x.withUnsafeBufferPointer { x in
    w.withUnsafeBufferPointer { w in
      guard let x = x.baseAddress, let w = w.baseAddress else {
        for i in out.indices { out[i] = epilogue.result(Int32(0), i % outputs) }
        return
      }
      guard isNarrow else {
        // 16 by 16 bits: no two products fit 32 bits.
        for r in 0..<rows {
          for o in 0..<outputs {
            var sum: Int64 = 0
            for i in 0..<depth { sum &+= Int64(x[r * depth + i]) * Int64(w[o * depth + i]) }
            out[r * outputs + o] =
              width == .bits64 ? epilogue.result(sum, o) : epilogue.result(Int32(truncatingIfNeeded: sum), o)
          }
        }
        return
      }
      out.withUnsafeMutableBufferPointer { out in
        guard let results = out.baseAddress else { return }
        if width == .bits32, rows >= 8 {
          context.primitives.products(StoredIntegers(x, .int16, zero: 0), w, results, m: rows, n: outputs, k: depth, cache: nil)
          epilogue.finish(results, rows: rows, columns: outputs, firstChannel: 0, in: context)
          return
        }
        integerProducts(
          x, w, results, count: rows, outputs: outputs, depth: depth, firstChannel: 0, epilogue, width, in: context)
      }
    }
  }
  return out
}
