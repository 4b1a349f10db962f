import GraphWriting
import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

let poolingWriting: [WritingRule] = [
  .writes(PoolOp.self) { op, x, w in
    let input = try x.required(0), result = try w.types(op, x)[0]
    var value = try w.channelsLast(try w.cast(input, to: .float32), op.layout)
    var op = op
    let rank = op.kernel.count, layout = op.layout
    guard (1...3).contains(rank) else { throw UnsupportedError("a pooling over \(rank) axes") }
    (op.layout, op.strides, op.dilations) = (.channelsLast, op.strides.filled(rank), op.dilations.filled(rank))
    if rank == 1 {
      value = try w.unsqueeze(value, [1])
      (op.kernel, op.strides, op.dilations) = ([1] + op.kernel, [1] + op.strides, [1] + op.dilations)
      if case .explicit(let before, let after) = op.padding { op.padding = .explicit(before: [0] + before, after: [0] + after) }
    }
    var y: OutValue
    if case .lp(let power) = op.kind {
      guard !op.ceilMode else { throw UnsupportedError("an Lp pooling in ceil mode") }
      // The root of the sum of powers: the average over whole windows, times their size.
      op.kind = .average
      op.countIncludePad = true
      let powers = power == 2 ? try w.mul(value, value) : try w.pow(try w.apply(AbsOp(), value), try w.scalar(Double(power), like: value))
      let sums = try w.mul(try w.pooled(op, powers), try w.scalar(op.kernel.reduce(1.0) { $0 * Double($1) }, like: value))
      y = try w.pow(sums, try w.scalar(1 / Double(power), like: value))
    } else {
      y = try w.pooled(op, value)
    }
    if rank == 1 { y = try w.squeeze(y, [1]) }
    return [w.refined(try w.cast(try w.restored(y, layout), to: input.dtype), result)]
  }
]

extension OperatorWriter {
  /// A maximum or an average, channels last.
  fileprivate mutating func pooled(_ op: PoolOp, _ x: OutValue) throws -> OutValue {
    let rank = op.kernel.count, isMax = op.kind == .max
    let isPlain = op.dilations.allSatisfy { $0 == 1 } && !op.ceilMode
    if isPlain, op.padding == .valid || op.padding == .same && (isMax || !op.countIncludePad) {
      return try plain(op, x, op.padding == .same ? .same : .valid)
    }
    // Padding in numbers, by an operator of its own.
    guard
      case .explicit(let before, var after)? = spelledOut(
        op.padding, of: x.type, layout: .channelsLast, kernel: op.kernel, strides: op.strides, dilations: op.dilations)
    else { throw UnsupportedError("such a padding of unknown extents") }
    let same = spelledOut(
      .same, of: x.type, layout: .channelsLast, kernel: op.kernel, strides: op.strides, dilations: op.dilations)
    if isPlain, same == .explicit(before: before, after: after), isMax || !op.countIncludePad { return try plain(op, x, .same) }
    let padded = after
    if op.ceilMode {
      // The last window may reach beyond the padding.
      guard let dims = x.type.shape.dims, let out = try op.infer([x.fact])[0].shape.dims, dims.count == rank + 2 else {
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
    var bare = op
    (bare.padding, bare.ceilMode, bare.countIncludePad) = (.valid, false, false)
    func pads(_ list: [Int]) -> [Int] { [0] + list + [0] }
    if isMax {
      // The lowest finite number: infinite ones disturb kernels that bound their results.
      let lowest = -Double(Float.greatestFiniteMagnitude)
      return try windows(bare, try pad(x, before: pads(before), after: pads(after), value: lowest))
    }
    let sums = try windows(bare, try pad(x, before: pads(before), after: pads(after)))
    if op.countIncludePad, !op.ceilMode { return sums }
    // The average over whole windows, corrected by how much of each counts.
    guard let dims = x.type.shape.dims, dims.count == rank + 2 else { throw UnsupportedError("such a pooling of unknown extents") }
    let inside = try dims[1...rank].map { dim -> Int in
      guard let extent = dim.value else { throw UnsupportedError("such a pooling of unknown extents") }
      return extent
    }
    let places = (0..<rank).map { axis in
      let total = inside[axis] + before[axis] + after[axis], span = (op.kernel[axis] - 1) * op.dilations[axis] + 1
      return max(0, (total - span) / op.strides[axis] + 1)
    }
    guard let count = checkedProduct(places), count <= 1 << 26 else { throw UnsupportedError("averages at \(places) places") }
    var shares = [Float(1)], shape = [1]
    for (axis, steps) in places.enumerated() {
      let counted = op.countIncludePad ? 0..<(inside[axis] + before[axis] + padded[axis]) : before[axis]..<(before[axis] + inside[axis])
      let line = (0..<steps).map { step -> Float in
        let hits = (0..<op.kernel[axis]).filter { counted.contains(step * op.strides[axis] + $0 * op.dilations[axis]) }.count
        return Float(hits) / Float(op.kernel[axis])
      }
      shares = shares.flatMap { outer in line.map { outer * $0 } }
      shape.append(steps)
    }
    return try div(sums, try constant(NDArray(shares, shape + [1])))
  }

  private mutating func plain(_ op: PoolOp, _ x: OutValue, _ word: TFLitePadding) throws -> OutValue {
    let rank = op.kernel.count, isMax = op.kind == .max
    var own = op
    own.padding = word == .same ? .same : .valid
    let type = try own.infer([x.fact])[0]
    if rank == 2 {
      var options = Pool2DOptions()
      options.padding = word
      (options.strideH, options.strideW) = (Int32(clamping: op.strides[0]), Int32(clamping: op.strides[1]))
      (options.filterHeight, options.filterWidth) = (Int32(clamping: op.kernel[0]), Int32(clamping: op.kernel[1]))
      return try emit(isMax ? .maxPool2d : .averagePool2d, [x], .pool2DOptions(options), as: type)
    }
    // Volumes: first over two axes with the third one among the batch, then over the third.
    guard let dims = x.type.shape.dims, let d = dims[1].value, let h = dims[2].value, let wide = dims[3].value, let c = dims[4].value,
      let out = type.shape.dims, let oh = out[2].value, let ow = out[3].value, let od = out[1].value
    else { throw UnsupportedError("a pooling of volumes of unknown extents") }
    var planes = own, depth = own
    planes.kernel = Array(op.kernel[1...])
    planes.strides = Array(op.strides[1...])
    planes.dilations = [1, 1]
    depth.kernel = [op.kernel[0], 1]
    depth.strides = [op.strides[0], 1]
    depth.dilations = [1, 1]
    let flat = try plain(planes, try reshape(x, [-1, h, wide, c]), word)
    let lines = try plain(depth, try reshape(flat, [-1, d, oh * ow, c]), word)
    return refined(try reshape(lines, [-1, od, oh, ow, c]), type)
  }

  /// Windows without padding; dilated ones over slices, tap by tap.
  private mutating func windows(_ op: PoolOp, _ x: OutValue) throws -> OutValue {
    op.dilations.allSatisfy({ $0 == 1 }) ? try plain(op, x, .valid) : try dilatedWindows(op, x)
  }
}
