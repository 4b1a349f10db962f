import ModelGraph
import ModelTensor

/// Per batch and class, the boxes of the highest scores that overlap no better one by more than a threshold.
///
/// Inputs: `boxes` (`[N, B, 4]`: y1, x1, y2, x2 in any order of corners, or with `centerPointBox` x, y, width, height),
/// `scores` (`[N, classes, B]`), `maxPerClass?` (int64 scalar, default 0: none), `overlapThreshold?` (intersection
/// over union, default 0), `scoreThreshold?`. Result: int64 `[selected, 3]` of batch, class, box.
public struct NonMaxSuppressionOp: PrimitiveOp {
  public static let name = "NonMaxSuppression"
  public static let family = OpFamily.image
  public var centerPointBox: Bool
  public init(centerPointBox: Bool = false) { self.centerPointBox = centerPointBox }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    _ = try inputs.required(0, of: self)
    _ = try inputs.required(1, of: self)
    return [TensorType(.int64, .ranked([.unknown, 3]))]
  }

  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let boxes = try inputs.required(0, of: self), scores = try inputs.required(1, of: self)
    guard boxes.rank == 3, boxes.shape[2] == 4, scores.rank == 3, scores.shape[0] == boxes.shape[0], scores.shape[2] == boxes.shape[1]
    else { throw ExecutionError(.shapeMismatch, "NonMaxSuppression of \(boxes.type) with \(scores.type)") }
    let limit = inputs.optional(2)?.integers()?.first ?? 0
    let overlap = inputs.optional(3)?.doubles().first ?? 0, least = inputs.optional(4)?.doubles().first
    let numbers = boxes.doubles(), values = scores.doubles(), count = boxes.shape[1], classes = scores.shape[1]
    var selected: [Int64] = []
    for batch in 0..<boxes.shape[0] {
      let corners = (0..<count).map { self.corners(Array(numbers[((batch * count + $0) * 4)..<((batch * count + $0 + 1) * 4)])) }
      for name in 0..<classes {
        let base = (batch * classes + name) * count
        let order = (0..<count).filter { least == nil || values[base + $0] > (least ?? 0) }
          .sorted { values[base + $0] != values[base + $1] ? values[base + $0] > values[base + $1] : $0 < $1 }
        var kept: [Int] = []
        for box in order {
          guard kept.count < limit else { break }
          if kept.contains(where: { intersectionOverUnion(corners[$0], corners[box]) > overlap }) { continue }
          kept.append(box)
          selected += [Int64(batch), Int64(name), Int64(box)]
        }
      }
    }
    return [NDArray(selected, [selected.count / 3, 3])]
  }

  private typealias Box = (top: Double, left: Double, bottom: Double, right: Double)
  private func corners(_ n: [Double]) -> Box {
    if centerPointBox { return (n[1] - n[3] / 2, n[0] - n[2] / 2, n[1] + n[3] / 2, n[0] + n[2] / 2) }
    return (min(n[0], n[2]), min(n[1], n[3]), max(n[0], n[2]), max(n[1], n[3]))
  }
  private func intersectionOverUnion(_ a: Box, _ b: Box) -> Double {
    let height = min(a.bottom, b.bottom) - max(a.top, b.top), width = min(a.right, b.right) - max(a.left, b.left)
    guard height > 0, width > 0 else { return 0 }
    let shared = height * width
    let union = (a.bottom - a.top) * (a.right - a.left) + (b.bottom - b.top) * (b.right - b.left) - shared
    return union > 0 ? shared / union : 0
  }
}
