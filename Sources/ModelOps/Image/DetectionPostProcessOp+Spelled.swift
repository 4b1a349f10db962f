import ModelGraph
import ModelTensor

/// Less than every score.
private let noScore = -1e30

extension DetectionPostProcessOp: SpelledOp {
  /// Boxes out of the anchors, then the selection by overlap that other formats have an operator for. Places that nothing was
  /// found for point at a row of zeros behind the boxes, so that all extents are known.
  public func spelled<C: OpContext>(_ inputs: [C.Value?], in context: inout C) throws -> [C.Value]? {
    guard inputs.count == 3, let encodings = inputs[0], let given = inputs[1], let anchors = inputs[2],
      let extents = context.type(of: encodings).shape.extents, extents.count == 3, extents[0] == 1, extents[2] >= 4,
      let width = context.type(of: given).shape.extents?.last, width == classCount || width == classCount + 1,
      classesPerDetection == 1, maxDetections > 0, maxDetections <= 1 << 16, detectionsPerClass > 0, scales.count == 4,
      scales.allSatisfy({ $0 != 0 })
    else { return nil }
    let count = extents[1], places = maxDetections
    let boxes = try decoded(encodings, anchors, in: &context)
    var scores = given
    if width > classCount { scores = try context.slice(scores, axis: 2, start: 1, end: width) }
    let overlap = try context.scalar(overlapThreshold, dtype: .float32), least = try context.scalar(exclusiveThreshold, dtype: .float32)
    let limit = suppressesByClass ? min(detectionsPerClass, places) : places
    let most = try context.constant(NDArray([Int64(limit)], [1]))
    func padded(_ values: C.Value, with value: Double, rows: Int) throws -> C.Value {
      let dtype = context.type(of: values).dtype
      let fill = try NDArray(Array(repeating: value, count: rows), [rows]).cast(
        to: dtype, in: ExecutionContext(primitives: ReferencePrimitives()))
      return try context.concat([values, try context.constant(fill)], axis: 0)
    }
    func column(_ selected: C.Value, _ index: Int) throws -> C.Value {
      try context.reshape(try context.slice(selected, axis: 1, start: index, end: index + 1), [-1])
    }
    var chosen: C.Value, labels: C.Value, values: C.Value
    if suppressesByClass {
      let byClass = try context.transpose(scores, [0, 2, 1])
      let selected = try context.apply(NonMaxSuppressionOp(), boxes, byClass, most, overlap, least)
      let labelOf = try column(selected, 1), boxOf = try column(selected, 2)
      let place = try context.add(try context.mul(labelOf, try context.constant(NDArray([Int64(count)], [1]))), boxOf)
      let found = try context.gather(try context.reshape(byClass, [classCount * count]), place, axis: 0)
      let best = try context.apply(
        TopKOp(axis: 0), to: [try padded(found, with: noScore, rows: places), try context.constant(NDArray([Int64(places)], [1]))])
      guard best.count == 2 else { return nil }
      chosen = try context.gather(try padded(boxOf, with: Double(count), rows: places), best[1], axis: 0)
      labels = try context.gather(try padded(labelOf, with: 0, rows: places), best[1], axis: 0)
      let isFound = try context.apply(GreaterOp(), best[0], try context.scalar(noScore / 2, dtype: .float32))
      values = try context.select(isFound, best[0], try context.scalar(0, dtype: .float32))
    } else {
      let best = try context.reduce(.max, scores, axes: [2])
      let selected = try context.apply(
        NonMaxSuppressionOp(), boxes, try context.reshape(best, [1, 1, count]), most, overlap, least)
      let all = try padded(try column(selected, 2), with: Double(count), rows: places)
      chosen = try context.slice(all, axis: 0, start: 0, end: places)
      let label = try context.cast(try context.apply(ArgMaxOp(axis: 2, keepDims: false), scores), to: .float32)
      labels = try context.gather(try padded(try context.reshape(label, [count]), with: 0, rows: 1), chosen, axis: 0)
      values = try context.gather(try padded(try context.reshape(best, [count]), with: 0, rows: 1), chosen, axis: 0)
    }
    let rows = try context.concat(
      [try context.reshape(boxes, [count, 4]), try context.constant(NDArray([Float](repeating: 0, count: 4), [1, 4]))], axis: 0)
    let corners = try context.gather(rows, chosen, axis: 0)
    let isBox = try context.apply(LessOp(), chosen, try context.constant(NDArray([Int64(count)], [1])))
    let number = try context.reduce(.sum, try context.cast(isBox, to: .float32), axes: [0], keepDims: true)
    return [
      try context.reshape(corners, [1, places, 4]), try context.reshape(try context.cast(labels, to: .float32), [1, places]),
      try context.reshape(values, [1, places]), number,
    ]
  }

  /// A selection takes scores above its threshold, this operator those at it, too.
  private var exclusiveThreshold: Double {
    let threshold = Float(scoreThreshold)
    return Double(threshold > 0 ? threshold.nextDown : threshold - max(1e-10, threshold.ulp))
  }

  /// `[1, B, 4]`: top, left, bottom, right.
  private func decoded<C: OpContext>(_ encodings: C.Value, _ anchors: C.Value, in context: inout C) throws -> C.Value {
    func pair(_ first: Int) throws -> C.Value { try context.constant(NDArray([Float(scales[first]), Float(scales[first + 1])], [2])) }
    let origin = try context.slice(anchors, axis: 1, start: 0, end: 2), size = try context.slice(anchors, axis: 1, start: 2, end: 4)
    let place = try context.div(try context.slice(encodings, axis: 2, start: 0, end: 2), try pair(0))
    let growth = try context.div(try context.slice(encodings, axis: 2, start: 2, end: 4), try pair(2))
    let centre = try context.add(try context.mul(place, size), origin)
    let half = try context.mul(
      try context.apply(ExpOp(), growth), try context.mul(size, try context.scalar(0.5, dtype: .float32)))
    return try context.concat([try context.sub(centre, half), try context.add(centre, half)], axis: 2)
  }
}
