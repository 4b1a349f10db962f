import ModelGraph
import ModelTensor

/// Cuts boxes out of images and resizes each to one size (TensorFlow's CropAndResize).
///
/// Inputs: `images` (`[N, H, W, C]`), `boxes` (`[B, 4]`: y1, x1, y2, x2 as fractions of H − 1 and W − 1), `indices` (`[B]`: whose
/// image), `size` (height and width). Result: float32 `[B, height, width, C]`; places outside the image are `extrapolation`.
public struct CropAndResizeOp: PrimitiveOp {
  public static let name = "CropAndResize"
  public static let family = OpFamily.image
  public var nearest: Bool
  public var extrapolation: Double
  public init(nearest: Bool = false, extrapolation: Double = 0) {
    self.nearest = nearest
    self.extrapolation = extrapolation
  }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self).type, boxes = try inputs.required(1, of: self).type
    let size = try inputs.required(3, of: self).elements
    return [
      TensorType(
        .float32,
        .ranked([
          boxes.shape.dims?.first ?? .unknown, size?.first ?? .unknown, size?.dropFirst().first ?? .unknown,
          x.shape.dims.flatMap { $0.count == 4 ? $0[3] : nil } ?? .unknown,
        ]))
    ]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self), boxes = try inputs.required(1, of: self), chosen = try inputs.required(2, of: self)
    guard x.rank == 4, boxes.rank == 2, boxes.shape[1] == 4, let indices = chosen.integers(), indices.count == boxes.shape[0],
      let size = try inputs.required(3, of: self).integers(), size.count == 2, size.allSatisfy({ $0 > 0 && $0 < 1 << 24 }),
      indices.allSatisfy({ (0..<x.shape[0]).contains($0) })
    else { throw ExecutionError(.shapeMismatch, "CropAndResize of \(x.type) with boxes \(boxes.type)") }
    let height = x.shape[1], width = x.shape[2], channels = x.shape[3]
    let result = try context.allocate(.float32, [boxes.shape[0], size[0], size[1], channels])
    let values = try x.cast(to: .float32, in: context), corners = boxes.doubles().map(Float.init)
    let filler = Float(extrapolation)
    values.with(Float.self) { source in
      result.withMutable(Float.self) { y in
        var place = 0
        for box in indices.indices {
          let (top, left, bottom, right) = (corners[box * 4], corners[box * 4 + 1], corners[box * 4 + 2], corners[box * 4 + 3])
          let base = indices[box] * height * width * channels
          for row in 0..<size[0] {
            let v = Self.place(row, size[0], top, bottom, height)
            for column in 0..<size[1] {
              let h = Self.place(column, size[1], left, right, width)
              let isInside = v >= 0 && v <= Float(height - 1) && h >= 0 && h <= Float(width - 1)
              for channel in 0..<channels {
                y[place] = isInside ? sample(source, base + channel, v, h, width, channels) : filler
                place += 1
              }
            }
          }
        }
      }
    }
    return [result]
  }

  private static func place(_ i: Int, _ count: Int, _ start: Float, _ end: Float, _ extent: Int) -> Float {
    let last = Float(extent - 1)
    return count > 1 ? start * last + Float(i) * ((end - start) * last / Float(count - 1)) : 0.5 * (start + end) * last
  }

  private func sample(
    _ source: UnsafeBufferPointer<Float>, _ base: Int, _ v: Float, _ h: Float, _ width: Int, _ channels: Int
  ) -> Float {
    func at(_ row: Float, _ column: Float) -> Float { source[base + (Int(row) * width + Int(column)) * channels] }
    if nearest { return at(v.rounded(), h.rounded()) }
    let top = v.rounded(.down), bottom = v.rounded(.up), left = h.rounded(.down), right = h.rounded(.up)
    let upper = at(top, left) + (at(top, right) - at(top, left)) * (h - left)
    let lower = at(bottom, left) + (at(bottom, right) - at(bottom, left)) * (h - left)
    return upper + (lower - upper) * (v - top)
  }
}
