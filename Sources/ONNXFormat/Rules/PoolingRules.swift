import GraphWriting
import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

let poolingRules: [NodeRule] = [
  .rule(
    "MaxPool", PoolOp.self,
    read: { n, g in
      let kernel = try n.kernel(), rank = kernel.count
      let strides = try n.window("strides", rank), dilations = try n.window("dilations", rank)
      let padding = try n.padding(rank), ceilMode = try n.flag("ceil_mode")
      if n.wants(1) {
        let op = MaxPoolWithIndicesOp(
          kernel: kernel, strides: strides, dilations: dilations, padding: padding, ceilMode: ceilMode,
          columnMajor: try n.flag("storage_order"), layout: .channelsFirst)
        return try g.apply(op, to: [try n.input(0)])
      }
      let op = PoolOp(
        .max, kernel: kernel, strides: strides, dilations: dilations, padding: padding, ceilMode: ceilMode,
        layout: .channelsFirst)
      return [try g.apply(op, try n.input(0))]
    },
    write: { op, x, w in [try writePool(op, try x.required(0), &w)] }),
  .reads("AveragePool") { n, g in
    let kernel = try n.kernel(), rank = kernel.count
    let op = PoolOp(
      .average, kernel: kernel, strides: try n.window("strides", rank), dilations: try n.window("dilations", rank),
      padding: try n.padding(rank), ceilMode: try n.flag("ceil_mode"), countIncludePad: try n.flag("count_include_pad"),
      layout: .channelsFirst)
    return [try g.apply(op, try n.input(0))]
  },
  .reads("LpPool") { n, g in
    let rank = try n.spatialRank(g, 0), kernel = try n.kernel()
    let power = n.version < 2 ? try n.float("p").flatMap { Int(exactly: $0) } ?? 2 : try n.int("p") ?? 2
    let op = PoolOp(
      .lp(power), kernel: kernel, strides: try n.window("strides", rank), dilations: try n.window("dilations", rank),
      padding: try n.padding(rank), ceilMode: try n.flag("ceil_mode"), layout: .channelsFirst)
    return [try g.apply(op, try n.input(0))]
  },
  .writes(MaxPoolWithIndicesOp.self) { op, x, w in
    let input = try x.required(0), first = try w.channelsFirst(input, op.layout), rank = op.kernel.count
    var counted = op
    counted.layout = .channelsFirst
    let types = try counted.infer([first.fact])
    let results = try w.emit(
      "MaxPool", [first],
      [
        "kernel_shape": .ints(op.kernel), "strides": .ints(op.strides.filled(rank)),
        "dilations": .ints(op.dilations.filled(rank)), "auto_pad": op.padding.autoPad, "pads": op.padding.pads(rank),
        "ceil_mode": .flag(op.ceilMode), "storage_order": .flag(op.columnMajor),
      ], types: types)
    guard op.layout != .channelsFirst else { return results }
    // ONNX counts channels first: n · C · V + c · V + v, for (n · V + v) · C + c.
    guard !op.columnMajor, let extents = first.type.shape.dims?.dropFirst().map(\.value), let channels = extents.first ?? nil,
      let spatial = extents.dropFirst().reduce(Int?(1), { a, b in a.flatMap { a in b.map { a &* $0 } } }), spatial > 0, channels > 0
    else { throw UnsupportedError("ONNX counts the indices of a max pooling channels first") }
    let volume = try w.scalar(Double(spatial), dtype: .int64), depth = try w.scalar(Double(channels), dtype: .int64)
    let plane = try w.div(results[1], volume), place = try w.sub(results[1], try w.mul(plane, volume))
    let image = try w.div(plane, depth), channel = try w.sub(plane, try w.mul(image, depth))
    let flat = try w.add(try w.mul(try w.add(try w.mul(image, volume), place), depth), channel)
    return [try w.restored(results[0], op.layout), try w.restored(flat, op.layout)]
  },
  .reads("GlobalAveragePool") { n, g in [try globalPool(.mean, n, &g)] },
  .reads("GlobalMaxPool") { n, g in [try globalPool(.max, n, &g)] },
  .reads("GlobalLpPool") { n, g in
    let x = try n.input(0), axes = try n.spatialAxes(g)
    let power = n.version < 2 ? try n.float("p") ?? 2 : Double(try n.int("p") ?? 2)
    if power == 1 { return [try g.apply(ReduceOp(.l1, axes: axes), x)] }
    if power == 2 { return [try g.apply(ReduceOp(.l2, axes: axes), x)] }
    let powers = try g.pow(try g.apply(AbsOp(), x), try g.scalar(power, like: x))
    return [try g.pow(try g.apply(ReduceOp(.sum, axes: axes), powers), try g.scalar(1 / power, like: x))]
  },
  .rule(
    "MaxUnpool", MaxUnpoolOp.self,
    read: { n, g in
      let kernel = try n.kernel(), rank = kernel.count
      var before: [Int] = [], after: [Int] = []
      if case .explicit(let front, let back) = try n.padding(rank) { (before, after) = (front, back) }
      let op = MaxUnpoolOp(kernel: kernel, strides: try n.window("strides", rank), before: before, after: after)
      return [try g.apply(op, try n.input(0), try n.input(1), n[2])]
    },
    write: { op, x, w in
      let rank = op.kernel.count
      return [
        try w.emit(
          "MaxUnpool", x.values,
          [
            "kernel_shape": .ints(op.kernel), "strides": .ints(op.strides.filled(rank)),
            "pads": .ints(op.before.filled(rank, with: 0) + op.after.filled(rank, with: 0)),
          ])
      ]
    }),
]

private func writePool(_ op: PoolOp, _ x: OutValue, _ w: inout NodeWriter) throws -> OutValue {
  var x = try w.channelsFirst(x, op.layout)
  let rank = op.kernel.count
  let hasDilations = op.dilations.contains { $0 != 1 }
  var direct = op
  direct.layout = .channelsFirst
  let name: String
  var power: WireAttribute?
  switch op.kind {
  case .max: name = "MaxPool"
  case .average:
    name = "AveragePool"
    if hasDilations, w.opset < 19 { throw UnsupportedError("dilations of an average pooling need opset 19") }
  case .lp(let p):
    name = "LpPool"
    power = .int(p)
    if hasDilations || op.ceilMode, w.opset < 18 { throw UnsupportedError("dilations of an Lp pooling need opset 18") }
  }
  // Integer averages and maxima that ONNX does not take are computed as floats.
  let dtype = x.type.dtype
  let isTaken = dtype.isFloatingPoint || op.kind == .max && (dtype == .int8 || dtype == .uint8)
  if !isTaken { x = try w.cast(x, to: .float32) }
  let type = try direct.infer([x.fact])[0]
  var padding = op.padding
  if hasDilations, op.kind == .max {
    (x, padding) = try w.spelledOut(
      padding, of: x, kernel: op.kernel, strides: op.strides.filled(rank), dilations: op.dilations.filled(rank), filler: -.infinity)
  } else if zip(op.kernel, op.strides.filled(rank)).contains(where: { $0 < $1 }),
    x.type.shape.dims?.dropFirst(2).allSatisfy({ $0.value != nil }) == true
  {
    // ONNX Runtime finds negative paddings where windows are shorter than their strides.
    (x, padding) = try w.spelledOut(
      padding, of: x, kernel: op.kernel, strides: op.strides.filled(rank), dilations: op.dilations.filled(rank))
  }
  let y = try w.emit(
    name, [x],
    [
      "kernel_shape": .ints(op.kernel), "strides": .ints(op.strides.filled(rank)),
      "dilations": hasDilations ? .ints(op.dilations) : nil, "auto_pad": padding.autoPad, "pads": padding.pads(rank),
      "ceil_mode": op.ceilMode ? .int(1) : nil,
      "count_include_pad": op.kind == .average && op.countIncludePad ? .int(1) : nil, "p": power,
    ], as: type)
  return try w.restored(isTaken ? y : try w.cast(y, to: dtype), op.layout)
}

extension NodeReader {
  fileprivate func kernel() throws -> [Int] { try required(try ints("kernel_shape"), "kernel_shape") }

  /// The axes behind batch and channels.
  func spatialAxes(_ g: GraphContext) throws -> [Int] {
    guard let rank = g.type(of: try input(0)).shape.rank else { throw UnsupportedError("the rank of its input is unknown") }
    guard rank >= 2 else { throw FormatError(.invalidValue, "\(type) of a tensor of rank \(rank)") }
    return Array(2..<rank)
  }
}

private func globalPool(_ kind: ReductionKind, _ n: NodeReader, _ g: inout GraphContext) throws -> ValueID {
  let axes = try n.spatialAxes(g), x = try n.input(0)
  return axes.isEmpty ? x : try g.apply(ReduceOp(kind, axes: axes), x)
}
