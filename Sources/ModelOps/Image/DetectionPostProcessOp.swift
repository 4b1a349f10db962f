import ModelGraph
import ModelTensor
import RealModule

/// Boxes, classes and scores of detected objects, of what a single-shot detector gives for each anchor (LiteRT's custom operator
/// `TFLite_Detection_PostProcess`).
///
/// Inputs: `encodings` (`[1, B, 4 or more]`: y, x, height and width, each scaled and relative to the anchor), `scores`
/// (`[1, B, classes or one more in front for the background]`), `anchors` (`[B, 4]`: y, x, height, width). Results, all float32: boxes
/// (`[1, N, 4]`: top, left, bottom, right), classes (`[1, N]`), scores (`[1, N]`), and how many there are (`[1]`), `N` being
/// `maxDetections · classesPerDetection`; the rest is zero. `suppressesByClass` looks for overlaps within each class, else among
/// the boxes by their best class.
public struct DetectionPostProcessOp: PrimitiveOp {
  public static let name = "DetectionPostProcess"
  public static let family = OpFamily.image
  public var maxDetections: Int
  public var classesPerDetection: Int
  public var detectionsPerClass: Int
  public var suppressesByClass: Bool
  public var scoreThreshold: Double
  public var overlapThreshold: Double
  public var classCount: Int
  /// What y, x, height and width have been multiplied by.
  public var scales: [Double]
  public init(
    maxDetections: Int, classesPerDetection: Int = 1, detectionsPerClass: Int = 100, suppressesByClass: Bool = false,
    scoreThreshold: Double, overlapThreshold: Double, classCount: Int, scales: [Double]
  ) {
    self.maxDetections = maxDetections
    self.classesPerDetection = classesPerDetection
    self.detectionsPerClass = detectionsPerClass
    self.suppressesByClass = suppressesByClass
    self.scoreThreshold = scoreThreshold
    self.overlapThreshold = overlapThreshold
    self.classCount = classCount
    self.scales = scales
  }

  private func resultCount() throws -> Int {
    let (count, overflow) = maxDetections.multipliedReportingOverflow(by: classesPerDetection)
    guard maxDetections > 0, classesPerDetection > 0, detectionsPerClass > 0, classCount > 0, scales.count == 4, !overflow,
      count <= 1 << 24
    else {
      throw GraphError(
        .invalidAttribute, "\(displayName): \(maxDetections) detections of \(classesPerDetection) classes out of \(classCount)")
    }
    return count
  }

  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    for index in 0..<3 { _ = try inputs.required(index, of: self) }
    let count = try resultCount()
    return [
      TensorType(.float32, [1, count, 4]), TensorType(.float32, [1, count]), TensorType(.float32, [1, count]), TensorType(.float32, [1]),
    ]
  }

  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let encodings = try inputs.required(0, of: self), given = try inputs.required(1, of: self), anchors = try inputs.required(2, of: self)
    let count = try resultCount()
    guard encodings.rank == 3, given.rank == 3, anchors.rank == 2, encodings.shape[0] == 1, given.shape[0] == 1, encodings.shape[2] >= 4,
      given.shape[1] == encodings.shape[1], anchors.shape == [encodings.shape[1], 4],
      given.shape[2] == classCount || given.shape[2] == classCount + 1, encodings.dtype == .float32, given.dtype == .float32,
      anchors.dtype == .float32
    else {
      throw ExecutionError(.shapeMismatch, "\(displayName) of \(encodings.type), \(given.type) and anchors \(anchors.type)")
    }
    let boxes = decoded(Self.floats(encodings), stride: encodings.shape[2], anchors: Self.floats(anchors))
    let found = detections(boxes, Self.floats(given), width: given.shape[2])
    var corners = [Float](repeating: 0, count: 4 * count), classes = [Float](repeating: 0, count: count), scores = classes
    for (place, item) in found.items.enumerated() where place < count {
      let box = boxes[item.box]
      corners.replaceSubrange(4 * place..<4 * place + 4, with: [box.top, box.left, box.bottom, box.right])
      classes[place] = Float(item.label)
      scores[place] = item.score
    }
    return [
      NDArray(corners, [1, count, 4]), NDArray(classes, [1, count]), NDArray(scores, [1, count]), NDArray([Float(found.count)], [1]),
    ]
  }

  private static func floats(_ array: NDArray) -> [Float] { array.doubles().map { Float($0) } }

  private struct Box {
    var top: Float, left: Float, bottom: Float, right: Float
    var area: Float { (bottom - top) * (right - left) }

    func overlap(_ other: Box) -> Float {
      guard area > 0, other.area > 0 else { return 0 }
      let height = max(min(bottom, other.bottom) - max(top, other.top), 0)
      let width = max(min(right, other.right) - max(left, other.left), 0)
      return height * width / (area + other.area - height * width)
    }
  }
  private struct Detection {
    var box: Int
    var label: Int
    var score: Float
  }

  /// In double precision, each value rounded once.
  private func decoded(_ encodings: [Float], stride: Int, anchors: [Float]) -> [Box] {
    (0..<anchors.count / 4).map { index in
      func part(_ place: Int) -> Double { Double(encodings[index * stride + place]) / Double(Float(scales[place])) }
      func anchor(_ place: Int) -> Double { Double(anchors[4 * index + place]) }
      let y = Float(part(0) * anchor(2) + anchor(0)), x = Float(part(1) * anchor(3) + anchor(1))
      let height = Float(0.5 * Double.exp(part(2)) * anchor(2)), width = Float(0.5 * Double.exp(part(3)) * anchor(3))
      return Box(top: y - height, left: x - width, bottom: y + height, right: x + width)
    }
  }

  private func detections(_ boxes: [Box], _ scores: [Float], width: Int) -> (items: [Detection], count: Int) {
    let first = width - classCount
    func score(_ box: Int, _ label: Int) -> Float { scores[box * width + first + label] }
    guard suppressesByClass else {
      let labels = boxes.indices.map { box in
        Array((0..<classCount).sorted { (score(box, $0), $1) > (score(box, $1), $0) }.prefix(classesPerDetection))
      }
      let best = boxes.indices.map { score($0, labels[$0][0]) }
      let kept = suppressed(boxes, best, limit: maxDetections)
      var items: [Detection] = []
      for box in kept {
        items += labels[box].map { Detection(box: box, label: $0, score: score(box, $0)) }
        // Where there are fewer classes than places, the places stay empty.
        items += Array(repeating: Detection(box: box, label: 0, score: 0), count: max(0, classesPerDetection - labels[box].count))
      }
      return (items, kept.count)
    }
    var items: [Detection] = []
    for label in 0..<classCount {
      let own = boxes.indices.map { score($0, label) }
      let kept = suppressed(boxes, own, limit: min(detectionsPerClass, maxDetections))
      items += kept.map { Detection(box: $0, label: label, score: own[$0]) }
      // Equals keep their order.
      let order = items.indices.sorted { (items[$0].score, $1) > (items[$1].score, $0) }
      items = order.prefix(maxDetections).map { items[$0] }
    }
    return (items, items.count)
  }

  /// The boxes of the highest scores that overlap no better one.
  private func suppressed(_ boxes: [Box], _ scores: [Float], limit: Int) -> [Int] {
    let threshold = Float(scoreThreshold), overlap = Float(overlapThreshold)
    let order = scores.indices.filter { scores[$0] >= threshold }.sorted { (scores[$0], $1) > (scores[$1], $0) }
    var kept: [Int] = []
    for box in order where kept.count < limit {
      if kept.allSatisfy({ boxes[$0].overlap(boxes[box]) <= overlap }) { kept.append(box) }
    }
    return kept
  }
}
