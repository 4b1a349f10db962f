import GraphWriting
import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// Images `[N, H, W, C]` to a size; all but the nearest neighbour give float32.
func readResize(_ mode: ResizeMode, _ n: NodeReader, _ g: inout GraphContext) throws -> ValueID {
  try resized(try n.input(0), to: try n.input(1), mode, n, &g)
}
/// An image to a size, as the attributes of a node say.
func resized(_ image: ValueID, to target: ValueID, _ mode: ResizeMode, _ n: NodeReader, _ g: inout GraphContext) throws -> ValueID {
  var x = image
  if mode != .nearest { x = try g.cast(x, to: .float32) }
  let corners = try n.flag("align_corners"), centres = try n.flag("half_pixel_centers")
  var op = ResizeOp(mode: mode, coordinateMode: corners ? .alignCorners : centres ? .halfPixel : .asymmetric, axes: [1, 2])
  switch mode {
  case .nearest:
    op.nearestMode = corners ? .roundPreferCeil : .floor
    if centres, !corners { op.coordinateMode = .tfHalfPixelForNN }
  case .cubic:
    // With half-pixel centres Keys' cubic, whose taps outside count nothing.
    op.cubicCoefficient = centres ? -0.5 : -0.75
    op.excludeOutside = centres
  case .linear: break
  }
  if mode == .cubic, let size = g.fact(of: target).integers, size.count == 2,
    let from = g.type(of: x).shape.dims, from.count == 4, from[1].value != nil, from[2].value != nil,
    corners || [1, 2].contains(where: { !op.keepsToTable($0, from: from, to: [from[0], .fixed(size[0]), .fixed(size[1]), from[3]]) })
  {
    let table = CubicTable(corners: corners, centres: centres)
    return try g.resampled(x, size) { extent, out, _ in table.matrix(from: extent, to: out) }
  }
  return try g.apply(op, x, nil, nil, try g.cast(target, to: .int64))
}

/// By TensorFlow's ops where they compute it, else axis by axis as products with matrices.
func writeResize(_ op: ResizeOp, _ inputs: RuleInputs, _ w: inout NodeWriter) throws -> OutValue {
  let x = try inputs.required(0), dtype = x.type.dtype
  let result = try op.infer(inputs.values.map { $0?.fact })[0]
  if let y = try nativeResize(op, inputs, result, &w) {
    var y = try w.cast(y, to: dtype)
    y.fact = Fact(result)
    return y
  }
  guard let from = x.type.shape.dims, let to = result.shape.dims, from.count == to.count, op.coordinateMode != .tfCropAndResize else {
    throw UnsupportedError("such a resizing of a tensor of unknown extents")
  }
  if let factors = try op.repeats(inputs.values.map { $0?.fact }, from: from, to: to) {
    var y = try w.repeated(x, factors, to: to)
    y.fact = Fact(result)
    return y
  }
  var y = dtype.isFloatingPoint ? x : try w.cast(x, to: .float32)
  let wide = y.type.dtype
  let facts = inputs.values.map { $0?.fact }
  for axis in from.indices where try !op.keeps(axis, facts, from: from, to: to) {
    let weights = try w.cast(try w.constant(try op.matrix(along: axis, facts, from: from, to: to)), to: wide)
    var order = Array(from.indices)
    order.swapAt(axis, from.count - 1)
    y = try w.transpose(try w.matmul(try w.transpose(y, order), weights), order)
  }
  if !dtype.isFloatingPoint { y = try w.cast(op.mode == .nearest ? y : try w.apply(RoundOp(), y), to: dtype) }
  y.fact = Fact(result)
  return y
}

private func nativeResize(_ op: ResizeOp, _ inputs: RuleInputs, _ result: TensorType, _ w: inout NodeWriter) throws -> OutValue? {
  let x = try inputs.required(0)
  guard let dims = x.type.shape.dims, dims.count == 4, let to = result.shape.dims, to.count == 4, !op.antialias else { return nil }
  let facts = inputs.values.map { $0?.fact }
  let given = op.axes?.map { $0 < 0 ? $0 + 4 : $0 } ?? [0, 1, 2, 3]
  let kept = try (0..<4).map { try op.keeps($0, facts, from: dims, to: to) }
  let isFirst = kept[0] && kept[1] && !kept[2], isLast = kept[0] && kept[3]
  guard isFirst || isLast else { return nil }
  let axes = isLast ? [1, 2] : [2, 3]
  // Which op, and how it looks at pixels.
  let type: String
  var corners = false, centres = false
  switch (op.mode, op.coordinateMode) {
  case (_, .alignCorners): corners = true
  case (.linear, .halfPixel), (.cubic, .halfPixel), (.nearest, .tfHalfPixelForNN), (.nearest, .halfPixel): centres = true
  case (_, .asymmetric): break
  default: return nil
  }
  switch op.mode {
  case .linear: type = "ResizeBilinear"
  case .cubic:
    guard w.dialect == .tensorFlow, !corners, axes.allSatisfy({ op.keepsToTable($0, from: dims, to: to) }),
      centres ? op.excludeOutside && op.cubicCoefficient == -0.5 : !op.excludeOutside && op.cubicCoefficient == -0.75
    else { return nil }
    type = "ResizeBicubic"
  case .nearest:
    let fits = corners || op.coordinateMode == .halfPixel ? op.nearestMode == .roundPreferCeil : op.nearestMode == .floor
    guard fits else { return nil }
    type = "ResizeNearestNeighbor"
  }
  var sizes: [Extent] = []
  for axis in axes {
    if let known = to[axis].value {
      guard op.isScaledByExtents(axis, facts, from: dims, to: to) else { return nil }
      sizes.append(.number(known))
    } else if op.aspect == .stretch, let given = inputs[3],
      let place = (op.axes?.map { $0 < 0 ? $0 + 4 : $0 } ?? [0, 1, 2, 3]).firstIndex(of: axis)
    {
      sizes.append(.value(try w.slice(given, axis: 0, start: place, end: place + 1)))
    } else if let scales = inputs[2], let list = try scales.fact.constant?.array().doubles(), let place = given.firstIndex(of: axis),
      place < list.count, let factor = Int(exactly: list[place])
    {
      sizes.append(.value(try w.mul(try w.dim(of: x, axis), try w.ints([factor]))))
    } else {
      return nil
    }
  }
  let layout: DataLayout = isLast ? .channelsLast : .channelsFirst
  var image = try w.channelsLast(x, layout)
  if op.mode != .nearest, image.type.dtype == .float64 || image.type.dtype.isInteger { image = try w.cast(image, to: .float32) }
  let y = try w.emit(
    type, [image, try w.int32s(sizes)], ["align_corners": .bool(corners), "half_pixel_centers": .bool(centres)],
    as: TensorType(
      op.mode == .nearest ? image.type.dtype : .float32, .ranked([dims[0], to[axes[0]], to[axes[1]], isLast ? dims[3] : dims[1]])))
  return try w.restored(y, layout)
}
