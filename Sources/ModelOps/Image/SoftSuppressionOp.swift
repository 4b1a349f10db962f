import ModelGraph
import ModelTensor

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Boxes of the highest scores, where a score falls the more the box overlaps better ones (Bodla et al., 2017; TensorFlow
/// `NonMaxSuppressionV5`).
///
/// Inputs: `boxes` `[B, 4]` (two corners, y before x), `scores` `[B]`, how many at most, the overlap from which a box is dropped
/// where nothing falls, the score that has to be exceeded, and the width of the Gaussian (0: scores do not fall), all scalars.
/// Results: the boxes (int32 `[n]`) and their scores then.
public struct SoftSuppressionOp: PrimitiveOp {
  public static let name = "SoftSuppression"
  public static let family = OpFamily.image
  public init() {}
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let scores = try inputs.required(1, of: self).type
    return [TensorType(.int32, .ranked([.unknown])), TensorType(scores.dtype, .ranked([.unknown]))]
  }

  private struct Candidate {
    var box: Int
    var score: Double
    /// How many of the chosen it has been held against.
    var seen = 0
  }

  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let boxes = try inputs.required(0, of: self), scores = try inputs.required(1, of: self)
    func scalar(_ index: Int) throws -> Double { try inputs.required(index, of: self).doubles().first ?? 0 }
    guard boxes.rank == 2, boxes.shape[1] == 4, scores.shape == [boxes.shape[0]], scores.dtype.isFloatingPoint,
      let limit = try inputs.required(2, of: self).integers()?.first
    else { throw ExecutionError(.shapeMismatch, "SoftSuppression of \(boxes.type) with \(scores.type)") }
    let overlap = try scalar(3), least = try scalar(4), width = try scalar(5), falls = width > 0
    let places = boxes.doubles(), factor = falls ? -0.5 / width : 0
    // The last one is the next; of two equal ones that with the lower number.
    func isBehind(_ a: Candidate, _ b: Candidate) -> Bool { a.score != b.score ? a.score < b.score : a.box > b.box }
    var waiting = scores.doubles().enumerated().filter { $1 > least }.map { Candidate(box: $0, score: $1) }.sorted(by: isBehind)
    var chosen: [Int] = [], results: [Double] = []
    while chosen.count < limit, var next = waiting.popLast() {
      let original = next.score
      var isDropped = false
      for other in chosen[next.seen...].reversed() {
        let shared = Self.intersectionOverUnion(places, next.box, other)
        if !falls, shared > overlap {
          isDropped = true
          break
        }
        next.score *= exp(factor * shared * shared)
        if next.score <= least { break }
      }
      next.seen = chosen.count
      if isDropped { continue }
      if next.score == original {
        chosen.append(next.box)
        results.append(next.score)
      } else if next.score > least {
        let place = waiting.firstIndex { isBehind(next, $0) } ?? waiting.count
        waiting.insert(next, at: place)
      }
    }
    return [NDArray(chosen.map { Int32($0) }, [chosen.count]), try NDArray(results, [results.count]).cast(to: scores.dtype, in: context)]
  }

  private static func intersectionOverUnion(_ places: [Double], _ a: Int, _ b: Int) -> Double {
    func box(_ index: Int) -> (top: Double, left: Double, bottom: Double, right: Double) {
      let n = places[(index * 4)..<(index * 4 + 4)].map { $0 }
      return (min(n[0], n[2]), min(n[1], n[3]), max(n[0], n[2]), max(n[1], n[3]))
    }
    let a = box(a), b = box(b)
    let areas = ((a.bottom - a.top) * (a.right - a.left), (b.bottom - b.top) * (b.right - b.left))
    guard areas.0 > 0, areas.1 > 0 else { return 0 }
    let shared = max(0, min(a.bottom, b.bottom) - max(a.top, b.top)) * max(0, min(a.right, b.right) - max(a.left, b.left))
    return shared / (areas.0 + areas.1 - shared)
  }
}
