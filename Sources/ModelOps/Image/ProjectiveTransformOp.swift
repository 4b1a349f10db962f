import ModelGraph
import ModelTensor

/// What stands outside an image: a number, the image mirrored, the image again, or its edge.
public enum ImageFill: String, Sendable, AttributeConvertible {
  case constant, reflect, wrap, nearest
  public var attributeValue: AttributeValue { .string(rawValue) }
}

/// Looks up each place of the result where a projective map takes it (TensorFlow's ImageProjectiveTransformV3).
///
/// Inputs: `images` (`[N, H, W, C]`), `transforms` (`[N or 1, 8]`: `(x, y)` of the result is looked up at
/// `((a0·x + a1·y + a2) / k, (b0·x + b1·y + b2) / k)`, `k = c0·x + c1·y + 1`), `size` (height and width), `fill?` (scalar).
public struct ProjectiveTransformOp: PrimitiveOp {
  public static let name = "ProjectiveTransform"
  public static let family = OpFamily.image
  public var nearest: Bool
  public var fill: ImageFill
  public init(nearest: Bool = false, fill: ImageFill = .constant) {
    self.nearest = nearest
    self.fill = fill
  }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self).type, size = try inputs.required(2, of: self).elements
    guard let dims = x.shape.dims, dims.count == 4 else { return [TensorType(x.dtype, .ranked([.unknown, .unknown, .unknown, .unknown]))] }
    return [TensorType(x.dtype, .ranked([dims[0], size?.first ?? .unknown, size?.dropFirst().first ?? .unknown, dims[3]]))]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self), maps = try inputs.required(1, of: self)
    guard x.rank == 4, maps.rank == 2, maps.shape[1] == 8, maps.shape[0] == x.shape[0] || maps.shape[0] == 1,
      let size = try inputs.required(2, of: self).integers(), size.count == 2, size.allSatisfy({ $0 > 0 && $0 < 1 << 24 })
    else { throw ExecutionError(.shapeMismatch, "ProjectiveTransform of \(x.type) by \(maps.type)") }
    let outside = inputs.optional(3)?.doubles().first ?? 0
    let (height, width, channels) = (x.shape[1], x.shape[2], x.shape[3]), shape = [x.shape[0], size[0], size[1], channels]
    try context.demand(.float64, shape)
    let values = x.doubles(), numbers = maps.doubles().map(Float.init)
    var out: [Double] = []
    out.reserveCapacity(shape.reduce(1, *))
    for batch in 0..<x.shape[0] {
      let m = Array(numbers[(maps.shape[0] == 1 ? 0 : batch * 8)...].prefix(8)), base = batch * height * width * channels
      func at(_ row: Float, _ column: Float, _ channel: Int) -> Double {
        guard row >= 0, row < Float(height), column >= 0, column < Float(width) else { return outside }
        return values[base + (Int(row) * width + Int(column)) * channels + channel]
      }
      for row in 0..<size[0] {
        for column in 0..<size[1] {
          let x = Float(column), y = Float(row), k = m[6] * x + m[7] * y + 1
          guard k != 0 else {
            out += Array(repeating: outside, count: channels)
            continue
          }
          let h = mapped((m[0] * x + m[1] * y + m[2]) / k, width), v = mapped((m[3] * x + m[4] * y + m[5]) / k, height)
          for channel in 0..<channels {
            guard h.isFinite, v.isFinite else {
              out.append(outside)
              continue
            }
            if nearest {
              out.append(at(v.rounded(), h.rounded(), channel))
              continue
            }
            let top = v.rounded(.down), left = h.rounded(.down), across = Double(h - left), down = Double(v - top)
            let upper = (1 - across) * at(top, left, channel) + across * at(top, left + 1, channel)
            let lower = (1 - across) * at(top + 1, left, channel) + across * at(top + 1, left + 1, channel)
            out.append((1 - down) * upper + down * lower)
          }
        }
      }
    }
    return [try NDArray(out, shape).cast(to: x.dtype, in: context)]
  }

  /// The pixels (row · width + column) that a place of the result is read from, with weights; the fill has what is missing to 1.
  package func taps(_ m: [Float], row: Int, column: Int, _ height: Int, _ width: Int) -> [(place: Int, weight: Double)] {
    let x = Float(column), y = Float(row), k = m[6] * x + m[7] * y + 1
    guard k != 0 else { return [] }
    let h = mapped((m[0] * x + m[1] * y + m[2]) / k, width), v = mapped((m[3] * x + m[4] * y + m[5]) / k, height)
    guard h.isFinite, v.isFinite else { return [] }
    var result: [(place: Int, weight: Double)] = []
    func add(_ row: Float, _ column: Float, _ weight: Double) {
      guard row >= 0, row < Float(height), column >= 0, column < Float(width) else { return }
      result.append((Int(row) * width + Int(column), weight))
    }
    if nearest {
      add(v.rounded(), h.rounded(), 1)
      return result
    }
    let top = v.rounded(.down), left = h.rounded(.down), across = Double(h - left), down = Double(v - top)
    for (row, vertical) in [(top, 1 - down), (top + 1, down)] {
      for (column, horizontal) in [(left, 1 - across), (left + 1, across)] { add(row, column, vertical * horizontal) }
    }
    return result
  }

  /// A coordinate brought into the image, as the fill says.
  private func mapped(_ coordinate: Float, _ extent: Int) -> Float {
    let length = Float(extent)
    func clamped(_ x: Float) -> Float { min(max(x, 0), length - 1) }
    func whole(_ x: Float) -> Float { x.rounded(.towardZero) }
    switch fill {
    case .constant: return coordinate
    case .nearest: return clamped(coordinate)
    case .reflect:
      guard extent > 1, coordinate.isFinite else { return extent > 1 ? coordinate : 0 }
      let period = 2 * length
      if coordinate < 0 {
        var x = coordinate
        if x < period { x += period * whole(-x / period) }
        return clamped(x < -length ? x + period : -x - 1)
      }
      guard coordinate > length - 1 else { return coordinate }
      let x = coordinate - period * whole(coordinate / period)
      return clamped(x >= length ? period - x - 1 : x)
    case .wrap:
      guard extent > 1, coordinate.isFinite else { return extent > 1 ? coordinate : 0 }
      if coordinate < 0 { return clamped(coordinate + length * (whole(-coordinate / (length - 1)) + 1)) }
      if coordinate > length - 1 { return clamped(coordinate - length * whole(coordinate / (length - 1))) }
      return coordinate
    }
  }
}
