import ModelGraph
import ModelTensor

/// A box drawn at random in an image that covers enough of one of the boxes given: where to crop for training.
///
/// Inputs: the image's size (height, width, channels), boxes `[B, N, 4]` (y₁, x₁, y₂, x₂ as parts of the image), and the least part
/// of a box that must be covered (a scalar). Results: where the crop begins and its size (three integers each, of the dtype of the
/// size, channels as `0` and `-1`), and the crop as a box `[1, 1, 4]`. Source: TensorFlow's `SampleDistortedBoundingBoxV2`.
public struct DistortedBoxOp: PrimitiveOp {
  public static let name = "DistortedBox"
  public static let family = OpFamily.random
  /// The least and largest quotient of width and height, and part of the image.
  public var aspects: ClosedRange<Double>
  public var areas: ClosedRange<Double>
  /// How often it is tried before the whole image is taken.
  public var attempts: Int
  /// Whether no boxes at all mean the whole image.
  public var takesImage: Bool
  public init(aspects: ClosedRange<Double>, areas: ClosedRange<Double>, attempts: Int, takesImage: Bool) {
    self.aspects = aspects
    self.areas = areas
    self.attempts = attempts
    self.takesImage = takesImage
  }

  public var attributes: [(name: String, value: AttributeValue)] {
    [
      ("aspects", .doubles([aspects.lowerBound, aspects.upperBound])), ("areas", .doubles([areas.lowerBound, areas.upperBound])),
      ("attempts", .int(attempts)), ("takesImage", .bool(takesImage)),
    ]
  }

  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let size = try inputs.required(0, of: self).type
    return [TensorType(size.dtype, [3]), TensorType(size.dtype, [3]), TensorType(.float32, [1, 1, 4])]
  }

  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let size = try inputs.required(0, of: self), boxes = try inputs.required(1, of: self), least = try inputs.required(2, of: self)
    guard let extents = size.integers(), extents.count == 3, extents[0] > 0, extents[1] > 0, extents.allSatisfy({ $0 < 1 << 31 }),
      boxes.shape.last == 4, boxes.dtype == .float32, let covered = least.doubles().first
    else { throw ExecutionError(.invalidInput, "\(displayName) in an image of \(size.type) with boxes \(boxes.type)") }
    let height = extents[0], width = extents[1], parts = boxes.doubles()
    var wanted = stride(from: 0, to: parts.count, by: 4).map { at in
      Crop(
        top: Int((parts[at] * Double(height)).clamped), left: Int((parts[at + 1] * Double(width)).clamped),
        bottom: Int((parts[at + 2] * Double(height)).clamped), right: Int((parts[at + 3] * Double(width)).clamped))
    }
    let whole = Crop(top: 0, left: 0, bottom: height, right: width)
    if wanted.isEmpty {
      guard takesImage else { throw ExecutionError(.invalidInput, "\(displayName) without boxes") }
      wanted = [whole]
    }
    var generator = context.generator(seed: nil), crop = whole
    for _ in 0..<max(0, min(attempts, 100_000)) {
      let aspect = aspects.lowerBound + (aspects.upperBound - aspects.lowerBound) * generator.uniform()
      guard let drawn = draw(aspect, height, width, { limit in Int(generator.uniform() * Double(limit)) }) else { continue }
      if wanted.contains(where: { $0.area > 0 && Double($0.overlap(drawn)) >= covered * Double($0.area) }) {
        crop = drawn
        break
      }
    }
    func integers(_ values: [Int]) throws -> NDArray { try NDArray(values.map { Int64($0) }, [3]).cast(to: size.dtype, in: context) }
    let box = [
      Float(crop.top) / Float(height), Float(crop.left) / Float(width), Float(crop.bottom) / Float(height),
      Float(crop.right) / Float(width),
    ]
    return [
      try integers([crop.top, crop.left, 0]), try integers([crop.bottom - crop.top, crop.right - crop.left, -1]), NDArray(box, [1, 1, 4]),
    ]
  }

  /// A crop of the aspect, its area between the bounds; `nil` where none fits.
  private func draw(_ aspect: Double, _ height: Int, _ width: Int, _ below: (Int) -> Int) -> Crop? {
    guard aspect > 0, areas.upperBound > 0 else { return nil }
    let whole = Double(height) * Double(width), low = areas.lowerBound * whole, high = areas.upperBound * whole
    func wide(_ rows: Int) -> Int { Int((Double(rows) * aspect).clamped.rounded()) }
    let least = Int((low / aspect).squareRoot().clamped.rounded())
    var most = min(Int((high / aspect).squareRoot().clamped.rounded()), height)
    if wide(most) > width { most = Int(((Double(width) + 0.5) / aspect).clamped) }
    while most > 0, wide(most) > width { most -= 1 }
    var rows = min(least, most)
    if rows < most { rows += below(most - rows + 1) }
    // Rounding may have left the bounds.
    for change in [0, 1, -1] {
      let tall = rows + change, columns = wide(tall), area = Double(tall) * Double(columns)
      guard tall > 0, columns > 0, tall <= height, columns <= width, area >= low, area <= high else { continue }
      let top = below(height - tall + 1), left = below(width - columns + 1)
      return Crop(top: top, left: left, bottom: top + tall, right: left + columns)
    }
    return nil
  }
}

private struct Crop {
  var top: Int
  var left: Int
  var bottom: Int
  var right: Int
  var area: Int { max(0, bottom - top) * max(0, right - left) }
  func overlap(_ other: Crop) -> Int {
    max(0, min(bottom, other.bottom) - max(top, other.top)) * max(0, min(right, other.right) - max(left, other.left))
  }
}

extension Double {
  /// Within what an integer of 32 bits holds; 0 for NaN.
  fileprivate var clamped: Double { isNaN ? 0 : Swift.min(Swift.max(self, -2_147_483_648), 2_147_483_647) }
}
