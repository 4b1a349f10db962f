import ModelGraph
import ModelTensor

/// The best boxes of each image over all classes, after non-maximum suppression within each class (TensorFlow
/// `CombinedNonMaxSuppression`).
///
/// Inputs: `boxes` (`[N, B, 1 or classes, 4]`: corners y1, x1, y2, x2), `scores` (`[N, B, classes]`). Results, with `k` boxes an
/// image: boxes `[N, k, 4]`, scores `[N, k]`, classes `[N, k]` as floats, how many of them there are `[N]` (int32). The rest is 0.
public struct CombinedNonMaxSuppressionOp: CompositeOp {
  public static let name = "CombinedNonMaxSuppression"
  public static let family = OpFamily.image
  public var maxPerClass: Int
  public var maxTotal: Int
  public var overlapThreshold: Double
  public var scoreThreshold: Double
  /// Whether there are no more places than all classes can fill.
  public var padsPerClass: Bool
  /// Whether boxes end at 0 and 1.
  public var clipsBoxes: Bool
  public init(
    maxPerClass: Int, maxTotal: Int, overlapThreshold: Double, scoreThreshold: Double, padsPerClass: Bool = false, clipsBoxes: Bool = true
  ) {
    self.maxPerClass = maxPerClass
    self.maxTotal = maxTotal
    self.overlapThreshold = overlapThreshold
    self.scoreThreshold = scoreThreshold
    self.padsPerClass = padsPerClass
    self.clipsBoxes = clipsBoxes
  }

  public func decompose<C: OpContext>(_ inputs: [C.Value?], in context: inout C) throws -> [C.Value] {
    guard inputs.count == 2, let given = inputs[0], let scores = inputs[1] else {
      throw GraphError(.wrongInputCount, "CombinedNonMaxSuppression takes boxes and scores")
    }
    guard let dims = context.type(of: given).shape.dims, dims.count == 4, let shared = dims[2].value,
      let scoreDims = context.type(of: scores).shape.dims, scoreDims.count == 3, let classes = scoreDims[2].value, classes > 0,
      shared == 1 || shared == classes
    else { throw GraphError(.shapeMismatch, "CombinedNonMaxSuppression of \(context.type(of: given)) and \(context.type(of: scores))") }
    let limit = maxPerClass.multipliedReportingOverflow(by: classes)
    let places = padsPerClass && !limit.overflow ? min(maxTotal, limit.partialValue) : maxTotal
    guard maxPerClass >= 0, (1...(1 << 20)).contains(places) else { throw GraphError(.invalidAttribute, "\(places) boxes an image") }

    let byClass = try context.transpose(scores, [0, 2, 1])
    let shape = try context.shape(of: byClass)
    // A class with boxes of its own is an image of its own.
    let boxes = shared == 1 ? try context.squeeze(given, [2]) : try context.transpose(given, [0, 2, 1, 3])
    let candidates: C.Value, rated: C.Value
    if shared == 1 {
      (candidates, rated) = (boxes, byClass)
    } else {
      let count = try context.dim(of: boxes, 2), four = try context.ints([4]), one = try context.ints([1]), all = try context.ints([-1])
      candidates = try context.reshape(boxes, to: try context.concat([all, count, four], axis: 0))
      rated = try context.reshape(byClass, to: try context.concat([all, one, count], axis: 0))
    }
    let most = try context.constant(NDArray(scalar: Int64(maxPerClass)))
    let chosen = try context.apply(
      NonMaxSuppressionOp(), candidates, rated, most, try context.scalar(overlapThreshold, dtype: .float32),
      try context.scalar(scoreThreshold, dtype: .float32))
    let zero = try context.scalar(0, like: scores), one = try context.scalar(1, like: scores)
    let marks = try context.apply(
      ScatterNDOp(), try context.expand(zero, to: try context.shape(of: rated)), chosen,
      try context.expand(one, to: try context.dim(of: chosen, 0)))
    let isKept = try context.apply(GreaterOp(), try context.reshape(marks, to: shape), zero)
    let none = try context.scalar(-3e38, like: scores)
    let kept = try context.select(isKept, byClass, none)

    // The best of all classes; places that nothing fills take the least of numbers.
    let images = try context.slice(shape, axis: 0, start: 0, end: 1), count = try context.slice(shape, axis: 0, start: 2, end: 3)
    let flat = try context.reshape(kept, [0, -1])
    let filler = try context.expand(none, to: try context.concat([images, try context.ints([places])], axis: 0))
    let best = try context.apply(TopKOp(), to: [try context.concat([flat, filler], axis: 1), try context.ints([places])])
    let isBox = try context.apply(GreaterOp(), best[0], none)
    let index = try context.select(isBox, best[1], try context.scalar(0, dtype: .int64))
    let number = try context.apply(FloorDivOp(), index, count)
    let row = shared == 1 ? try context.sub(index, try context.mul(number, count)) : index
    let all = shared == 1 ? boxes : try context.reshape(boxes, [0, -1, 4])
    var found = try context.apply(GatherNDOp(batchDims: 1), all, try context.unsqueeze(row, [2]))
    if clipsBoxes { found = try context.clip(found, min: 0, max: 1) }
    let isWhole = try context.unsqueeze(isBox, [2]), nothing = try context.scalar(0, like: found)
    return [
      try context.select(isWhole, found, nothing), try context.select(isBox, best[0], zero),
      try context.select(isBox, try context.cast(number, to: context.type(of: scores).dtype), zero),
      try context.reduce(.sum, try context.cast(isBox, to: .int32), axes: [1]),
    ]
  }
}
