import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

let imageWriting: [WritingRule] = [
  .writes(ResizeOp.self) { op, x, w in [try writeResize(op, x, &w)] }
]

/// By LiteRT's operators where they compute it, else axis by axis as products with matrices.
private func writeResize(_ op: ResizeOp, _ inputs: RuleInputs, _ w: inout OperatorWriter) throws -> OutValue {
  let x = try inputs.required(0), dtype = x.dtype
  let result = try w.types(op, inputs)[0]
  if let y = try nativeResize(op, inputs, result, &w) { return w.refined(try w.cast(y, to: dtype), result) }
  guard let from = x.type.shape.dims, let to = result.shape.dims, from.count == to.count, op.coordinateMode != .tfCropAndResize,
    op.aspect == .stretch
  else { throw UnsupportedError("such a resizing of a tensor of unknown extents") }
  var y = try w.cast(x, to: .float32)
  let facts = inputs.values.map { $0?.fact }
  for axis in from.indices where try !op.keeps(axis, facts, from: from, to: to) {
    let matrix = try w.constant(try op.matrix(along: axis, facts, from: from, to: to))
    var order = Array(from.indices)
    order.swapAt(axis, from.count - 1)
    y = try w.transpose(try w.matmul(try w.transpose(y, order), matrix), order)
  }
  if !dtype.isFloatingPoint { y = try w.cast(op.mode == .nearest ? y : try w.apply(RoundOp(), y), to: dtype) }
  return w.refined(try w.cast(y, to: dtype), result)
}

private func nativeResize(
  _ op: ResizeOp, _ inputs: RuleInputs, _ result: TensorType, _ w: inout OperatorWriter
) throws -> OutValue? {
  let x = try inputs.required(0)
  guard let dims = x.type.shape.dims, dims.count == 4, let to = result.shape.dims, to.count == 4, !op.antialias, op.aspect == .stretch
  else { return nil }
  let given = op.axes?.map { $0 < 0 ? $0 + 4 : $0 } ?? [0, 1, 2, 3]
  let facts = inputs.values.map { $0?.fact }, kept = try (0..<4).map { try op.keeps($0, facts, from: dims, to: to) }
  let isFirst = kept[0] && kept[1] && !kept[2], isLast = kept[0] && kept[3]
  guard isFirst || isLast, op.mode != .cubic else { return nil }
  let axes = isLast ? [1, 2] : [2, 3]
  // How pixels are looked at.
  var corners = false, centres = false
  switch (op.mode, op.coordinateMode) {
  case (_, .alignCorners): corners = true
  case (.linear, .halfPixel), (.nearest, .tfHalfPixelForNN), (.nearest, .halfPixel): centres = true
  case (_, .asymmetric): break
  default: return nil
  }
  if op.mode == .nearest {
    let fits = corners || op.coordinateMode == .halfPixel ? op.nearestMode == .roundPreferCeil : op.nearestMode == .floor
    guard fits else { return nil }
  }
  var sizes: [Extent] = []
  for axis in axes {
    if let known = to[axis].value {
      // A scale that the extents do not tell exactly places pixels by itself.
      if let scales = inputs[2], let place = given.firstIndex(of: axis) {
        guard let list = try scales.fact.constant?.array().doubles(), place < list.count, let extent = dims[axis].value,
          Double(extent) * list[place] == Double(known)
        else { return nil }
      }
      sizes.append(.number(known))
    } else if let sizesGiven = inputs[3], let place = given.firstIndex(of: axis) {
      sizes.append(.value(try w.slice(sizesGiven, axis: 0, start: place, end: place + 1)))
    } else if let scales = inputs[2], let list = try scales.fact.constant?.array().doubles(), let place = given.firstIndex(of: axis),
      place < list.count, let factor = Int(exactly: list[place])
    {
      sizes.append(.value(try w.mul(try w.dim(of: x, axis), try w.ints([factor]))))
    } else {
      return nil
    }
  }
  let layout: DataLayout = isLast ? .channelsLast : .channelsFirst
  let image = try w.channelsLast(try w.cast(x, to: .float32), layout)
  let type = TensorType(.float32, .ranked([dims[0], to[axes[0]], to[axes[1]], isLast ? dims[3] : dims[1]]))
  let y: OutValue
  if op.mode == .linear {
    var options = ResizeBilinearOptions()
    (options.alignCorners, options.halfPixelCenters) = (corners, centres)
    y = try w.emit(.resizeBilinear, [image, try w.int32s(sizes)], .resizeBilinearOptions(options), as: type)
  } else {
    var options = ResizeNearestNeighborOptions()
    (options.alignCorners, options.halfPixelCenters) = (corners, centres)
    y = try w.emit(.resizeNearestNeighbor, [image, try w.int32s(sizes)], .resizeNearestNeighborOptions(options), as: type)
  }
  return try w.restored(y, layout)
}
