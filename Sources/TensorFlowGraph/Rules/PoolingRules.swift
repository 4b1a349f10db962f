import GraphWriting
import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

let poolingRules: [NodeRule] = [
  .rule(
    "MaxPool", PoolOp.self, read: { n, g in [try readPool(.max, n, &g, rank: 2)] },
    write: { op, x, w in [try writePool(op, try x.required(0), &w)] }),
  .reads("MaxPool3D") { n, g in [try readPool(.max, n, &g, rank: 3)] },
  .reads("AvgPool") { n, g in [try readPool(.average, n, &g, rank: 2)] },
  .reads("AvgPool3D") { n, g in [try readPool(.average, n, &g, rank: 3)] },
  .reads("MaxPoolV2") { n, g in
    let layout = try n.layout()
    let op = PoolOp(
      .max, kernel: try n.spatial(try n.constantInts(1, in: g), named: "ksize", 2, layout),
      strides: try n.spatial(try n.constantInts(2, in: g), named: "strides", 2, layout), padding: try n.padding(2, layout), layout: layout)
    return [try g.apply(op, try n.input(0))]
  },
  .rule(
    "MaxPoolWithArgmax", MaxPoolWithIndicesOp.self,
    read: { n, g in
      let x = try n.input(0)
      let op = MaxPoolWithIndicesOp(
        kernel: try n.window("ksize", 2, .channelsLast), strides: try n.window("strides", 2, .channelsLast),
        padding: try n.padding(2, .channelsLast), layout: .channelsLast)
      let results = try g.apply(op, to: [x])
      guard results.count == 2 else { return results }
      var indices = results[1]
      if try !n.flag("include_batch_in_index") {
        // Counted within each image: the rest of the division by its size.
        let extents = try g.slice(try g.shape(of: x), axis: 0, start: 1, end: 4)
        indices = try g.apply(ModOp(), indices, try g.reduce(.prod, extents, axes: [0]))
      }
      return [results[0], try g.cast(indices, to: try n.dtype("Targmax"))]
    },
    write: { op, x, w in
      guard op.layout == .channelsLast, op.kernel.count == 2, !op.ceilMode, !op.columnMajor, op.dilations.allSatisfy({ $0 == 1 }),
        op.padding == .valid || op.padding == .same, w.dialect == .tensorFlow
      else { throw UnsupportedError("indices of such a max pooling") }
      return try w.emit(
        "MaxPoolWithArgmax", [try x.required(0)],
        [
          "ksize": .ints(op.kernel.overAllAxes), "strides": .ints(op.strides.filled(2).overAllAxes), "padding": op.padding.word,
          "include_batch_in_index": .bool(true), "Targmax": try .dtype(.int64),
        ], types: try op.infer(x.values.map { $0?.fact }))
    }),
]

private func readPool(_ kind: PoolKind, _ n: NodeReader, _ g: inout GraphContext, rank: Int) throws -> ValueID {
  let layout = try n.layout()
  let op = PoolOp(
    kind, kernel: try n.window("ksize", rank, layout), strides: try n.window("strides", rank, layout),
    padding: try n.padding(rank, layout), layout: layout)
  return try g.apply(op, try n.input(0))
}

private func writePool(_ op: PoolOp, _ input: OutValue, _ w: inout NodeWriter) throws -> OutValue {
  let result = try op.infer([input.fact])[0], dtype = input.type.dtype
  var x = try w.channelsLast(input, op.layout)
  if ![.float16, .bfloat16, .float32, .float64].contains(dtype) { x = try w.cast(x, to: dtype == .int64 ? .float64 : .float32) }
  var op = op
  let rank = op.kernel.count, layout = op.layout
  guard (1...3).contains(rank) else { throw UnsupportedError("a pooling over \(rank) axes") }
  (op.layout, op.strides, op.dilations) = (.channelsLast, op.strides.filled(rank), op.dilations.filled(rank))
  if rank == 1 {
    x = try w.unsqueeze(x, [1])
    (op.kernel, op.strides, op.dilations) = ([1] + op.kernel, [1] + op.strides, [1] + op.dilations)
    if case .explicit(let before, let after) = op.padding { op.padding = .explicit(before: [0] + before, after: [0] + after) }
  }
  var y: OutValue
  if case .lp(let power) = op.kind {
    guard op.ceilMode == false else { throw UnsupportedError("an Lp pooling in ceil mode") }
    // The root of the sum of powers: the average over whole windows, times their size.
    op.kind = .average
    op.countIncludePad = true
    let powers = power == 2 ? try w.apply(SquareOp(), x) : try w.pow(try w.apply(AbsOp(), x), try w.scalar(Double(power), like: x))
    let sums = try w.mul(try w.pooled(op, powers), try w.scalar(op.kernel.reduce(1.0) { $0 * Double($1) }, like: x))
    y = try w.pow(sums, try w.scalar(1 / Double(power), like: x))
  } else {
    y = try w.pooled(op, x)
  }
  if rank == 1 { y = try w.squeeze(y, [1]) }
  y = try w.restored(try w.cast(y, to: dtype), layout)
  y.fact = Fact(result)
  return y
}

extension NodeWriter {
  /// A maximum or an average over two or three axes, channels last.
  fileprivate mutating func pooled(_ op: PoolOp, _ x: OutValue) throws -> OutValue {
    let rank = op.kernel.count, isMax = op.kind == .max
    let isPlain = op.dilations.allSatisfy { $0 == 1 } && !op.ceilMode
    if isPlain, op.padding == .valid || op.padding == .same && !op.countIncludePad || op.padding == .same && isMax {
      return try emit(
        isMax ? rank == 2 ? "MaxPool" : "MaxPool3D" : rank == 2 ? "AvgPool" : "AvgPool3D", [x],
        ["ksize": .ints(op.kernel.overAllAxes), "strides": .ints(op.strides.overAllAxes), "padding": op.padding.word],
        as: try op.infer([x.fact])[0])
    }
    // Padding in numbers, by an op of its own.
    guard
      case .explicit(let before, var after)? = spelledOut(
        op.padding, of: x.type, layout: .channelsLast, kernel: op.kernel, strides: op.strides, dilations: op.dilations)
    else { throw UnsupportedError("such a padding of unknown extents") }
    let padded = after
    if op.ceilMode {
      // The last window may reach beyond the padding.
      let types = try op.infer([x.fact])[0]
      guard let dims = x.type.shape.dims, let out = types.shape.dims, dims.count == rank + 2 else {
        throw UnsupportedError("ceil mode over unknown extents")
      }
      for axis in 0..<rank {
        guard let extent = dims[axis + 1].value, let steps = out[axis + 1].value else {
          throw UnsupportedError("ceil mode over unknown extents")
        }
        let needed = (steps - 1) * op.strides[axis] + (op.kernel[axis] - 1) * op.dilations[axis] + 1
        after[axis] = max(after[axis], needed - extent - before[axis])
      }
    }
    var plain = op
    (plain.padding, plain.ceilMode, plain.countIncludePad) = (.valid, false, false)
    func pads(_ list: [Int]) -> [Int] { [0] + list + [0] }
    if isMax {
      return try windows(plain, try pad(x, before: pads(before), after: pads(after), value: -.infinity))
    }
    let sums = try windows(plain, try pad(x, before: pads(before), after: pads(after)))
    // The average over whole windows, corrected by how much of each counts.
    var counted = try filled(1, [1] + Array(repeating: 1, count: rank) + [1], x.type.dtype)
    let inside = try int32sOfSpatial(x, rank)
    counted = try expand(counted, to: inside)
    if op.countIncludePad {
      counted = try pad(counted, before: pads(before), after: pads(padded), value: 1)
      counted = try pad(counted, before: pads(before.map { _ in 0 }), after: pads(zip(after, padded).map { $0 - $1 }))
    } else {
      counted = try pad(counted, before: pads(before), after: pads(after))
    }
    return try div(sums, try windows(plain, counted))
  }

  private mutating func int32sOfSpatial(_ x: OutValue, _ rank: Int) throws -> OutValue {
    try int32s([.number(1)] + (try (0..<rank).map { try extent(of: x, $0 + 1) }) + [.number(1)])
  }

  /// Windows without padding; dilated ones over slices, tap by tap.
  private mutating func windows(_ op: PoolOp, _ x: OutValue) throws -> OutValue {
    op.dilations.allSatisfy({ $0 == 1 }) ? try pooled(op, x) : try dilatedWindows(op, x)
  }
}
