import GraphWriting
import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

let imageWriting: [WritingRule] = [
  .writes(ResizeOp.self) { op, x, w in [try writeResize(op, x, &w)] },
  .writes(NonMaxSuppressionOp.self) { op, x, w in [try writeSuppression(op, x, &w)] },
  .writes(SoftSuppressionOp.self) { _, x, w in
    let boxes = try w.cast(try x.required(0), to: .float32), scores = try w.cast(try x.required(1), to: .float32)
    let limit = try suppressionLimit(x[2], scores.type.shape.dims?.first?.value, &w)
    let numbers = try (3..<6).map { try w.reshape(try w.cast(try x.required($0), to: .float32), []) }
    let room = Shape.ranked([limit.fact.scalar.flatMap { Int(exactly: $0) }.map { .fixed($0) } ?? .unknown])
    let results = try w.emit(
      .nonMaxSuppressionV5, [boxes, scores, limit] + numbers, .nonMaxSuppressionV5Options(NonMaxSuppressionV5Options()),
      types: [TensorType(.int32, room), TensorType(.float32, room), TensorType(.int32, [])])
    let count = try w.reshape(try w.cast(results[2], to: .int64), [1])
    return try results.prefix(2).map { try w.apply(SliceOp(), $0, try w.ints([0]), count, try w.ints([0])) }
  },
]

/// One operator for each image and class, whose results are put one behind the other.
private func writeSuppression(_ op: NonMaxSuppressionOp, _ inputs: RuleInputs, _ w: inout OperatorWriter) throws -> OutValue {
  var boxes = try w.cast(try inputs.required(0), to: .float32)
  let scores = try w.cast(try inputs.required(1), to: .float32)
  guard let extents = scores.type.shape.dims, extents.count == 3, let images = extents[0].value, let classes = extents[1].value,
    let pairs = checkedProduct([images, classes]), pairs <= 1024
  else { throw UnsupportedError("non-maximum suppression for an unknown number of images or classes") }
  guard pairs > 0 else { return try w.constant(NDArray([Int64](), [0, 3])) }
  if op.centerPointBox {
    let centre = try w.slice(boxes, axis: 2, start: 0, end: 2)
    let half = try w.mul(try w.slice(boxes, axis: 2, start: 2, end: 4), try w.scalar(0.5, dtype: .float32))
    boxes = try w.concat([try w.sub(centre, half), try w.add(centre, half)], axis: 2)
  }
  func scalar(_ index: Int, _ absent: Float, _ w: inout OperatorWriter) throws -> OutValue {
    guard let given = inputs[index] else { return try w.constant(NDArray(scalar: absent)) }
    if let known = given.fact.scalar {
      // Boxes that overlap by just so much are kept, LiteRT drops them.
      let value = Float(known)
      return try w.constant(NDArray(scalar: index == 3 ? value.nextUp : value))
    }
    return try w.reshape(try w.cast(given, to: .float32), [])
  }
  let overlap = try scalar(3, Float(0).nextUp, &w), least = try scalar(4, -Float.greatestFiniteMagnitude, &w)
  let limit = try suppressionLimit(inputs[2], extents[2].value, &w)
  let room = TensorType(.int32, .ranked([limit.fact.scalar.flatMap { Int(exactly: $0) }.map { .fixed($0) } ?? .unknown]))
  var rows: [OutValue] = []
  for image in 0..<images {
    let own = try w.squeeze(try w.slice(boxes, axis: 0, start: image, end: image + 1), [0])
    for name in 0..<classes {
      let row = try w.slice(try w.slice(scores, axis: 0, start: image, end: image + 1), axis: 1, start: name, end: name + 1)
      let results = try w.emit(
        .nonMaxSuppressionV4, [own, try w.squeeze(row, [0, 1]), limit, overlap, least],
        .nonMaxSuppressionV4Options(NonMaxSuppressionV4Options()), types: [room, TensorType(.int32, [])])
      let count = try w.reshape(try w.cast(results[1], to: .int64), [1])
      let found = try w.apply(SliceOp(), results[0], try w.ints([0]), count, try w.ints([0]))
      let column = try w.pad(try w.unsqueeze(try w.cast(found, to: .int64), [1]), before: [0, 2], after: [0, 0])
      let place = try w.constant(NDArray([Int64(image), Int64(name), 0], [1, 3]))
      rows.append(image == 0 && name == 0 ? column : try w.add(column, place))
    }
  }
  return try w.concat(rows, axis: 0)
}

/// How many boxes are selected at most: never more than there are.
private func suppressionLimit(_ given: OutValue?, _ count: Int?, _ w: inout OperatorWriter) throws -> OutValue {
  guard let given else { return try w.int32(0) }
  if let known = given.fact.integers?.first {
    let limit = max(0, known)
    if let count { return try w.int32(min(limit, count)) }
    guard limit <= 1 << 20 else { throw UnsupportedError("non-maximum suppression of an unknown number of boxes without a limit") }
    return try w.int32(limit)
  }
  return try w.cast(try w.reshape(given, []), to: .int32)
}

/// By LiteRT's operators where they compute it, else axis by axis as products with matrices.
private func writeResize(_ op: ResizeOp, _ inputs: RuleInputs, _ w: inout OperatorWriter) throws -> OutValue {
  let x = try inputs.required(0), dtype = x.dtype
  let result = try w.types(op, inputs)[0]
  if let y = try nativeResize(op, inputs, result, &w) { return w.refined(try w.cast(y, to: dtype), result) }
  guard let from = x.type.shape.dims, let to = result.shape.dims, from.count == to.count, op.coordinateMode != .tfCropAndResize
  else { throw UnsupportedError("such a resizing of a tensor of unknown extents") }
  let facts = inputs.values.map { $0?.fact }
  if let factors = try op.repeats(facts, from: from, to: to) { return w.refined(try w.repeated(x, factors, to: to), result) }
  var y = try w.cast(x, to: .float32)
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
  guard let dims = x.type.shape.dims, dims.count == 4, let to = result.shape.dims, to.count == 4, !op.antialias else { return nil }
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
      guard op.isScaledByExtents(axis, facts, from: dims, to: to) else { return nil }
      sizes.append(.number(known))
    } else if op.aspect == .stretch, let sizesGiven = inputs[3], let place = given.firstIndex(of: axis) {
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
