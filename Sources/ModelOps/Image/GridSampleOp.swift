import ModelGraph
import ModelTensor

public enum GridPadding: String, Sendable, AttributeConvertible {
  case zeros, border, reflection
  public var attributeValue: AttributeValue { .string(rawValue) }
}

/// Samples `x` at the places of a grid (ONNX GridSample; Jaderberg et al., 2015).
///
/// Inputs: `x` (`[N, C, spatial…]`), `grid` (`[N, out…, n]`: coordinates in −1…1, the last spatial axis first). Result:
/// `[N, C, out…]`.
public struct GridSampleOp: PrimitiveOp {
  public static let name = "GridSample"
  public static let family = OpFamily.image
  public var mode: ResizeMode
  public var padding: GridPadding
  public var alignCorners: Bool
  public init(mode: ResizeMode = .linear, padding: GridPadding = .zeros, alignCorners: Bool = false) {
    self.mode = mode
    self.padding = padding
    self.alignCorners = alignCorners
  }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self).type, grid = try inputs.required(1, of: self).type
    guard let dims = x.shape.dims, let places = grid.shape.dims else { return [TensorType(x.dtype, .unranked)] }
    guard dims.count == places.count, dims.count >= 3 else { throw GraphError(.shapeMismatch, "GridSample of \(x) at \(grid)") }
    return [TensorType(x.dtype, .ranked([dims[0], dims[1]] + places[1..<(places.count - 1)]))]
  }

  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self), grid = try inputs.required(1, of: self)
    guard x.dtype.isFloatingPoint else { throw noKernel(x.dtype) }
    let n = x.rank - 2
    guard n >= 1, grid.rank == x.rank, grid.shape[0] == x.shape[0], grid.shape[x.rank - 1] == n,
      !x.shape[2...].contains(0) || grid.count == 0
    else { throw ExecutionError(.shapeMismatch, "GridSample of \(x.type) at \(grid.type)") }
    let extents = Array(x.shape[2...]), steps = StridedView.steps(of: extents)
    let volume = extents.reduce(1, *), channels = x.shape[1]
    let out = Array(grid.shape[1..<(grid.rank - 1)]), positions = out.reduce(1, *)
    let result = try context.allocate(.float64, [x.shape[0], channels] + out)
    let values = x.doubles(), coordinates = grid.doubles()
    result.withMutable(Double.self) { y in
      for batch in 0..<x.shape[0] {
        for position in 0..<positions {
          // Places and weights of all neighbours, one axis multiplied in after the other.
          var neighbours: [(place: Int, weight: Double)] = [(0, 1)]
          for axis in 0..<n {
            let coordinate = coordinates[(batch * positions + position) * n + (n - 1 - axis)]
            let line = samples(coordinate, extent: extents[axis])
            neighbours = neighbours.flatMap { near in
              line.map { (near.place + $0.index * steps[axis], near.weight * $0.weight) }
            }
          }
          for channel in 0..<channels {
            let base = (batch * channels + channel) * volume
            var sum = 0.0
            for near in neighbours { sum += near.weight * values[base + near.place] }
            y[(batch * channels + channel) * positions + position] = sum
          }
        }
      }
    }
    return [try result.cast(to: x.dtype, in: context)]
  }

  /// The elements of a line, with weights, that a coordinate stands for. What the padding makes zero is left out.
  private func samples(_ coordinate: Double, extent: Int) -> [(index: Int, weight: Double)] {
    let length = Double(extent)
    let border = alignCorners ? (0, length - 1) : (-0.5, length - 0.5)
    var place = alignCorners ? (coordinate + 1) / 2 * (length - 1) : ((coordinate + 1) * length - 1) / 2
    if mode == .nearest { place = place.rounded(.toNearestOrEven) }
    guard place.isFinite, abs(place) < 0x1p50 else { return [] }
    if place < border.0 || place > border.1 {
      // The cubic filter reaches over the border; it clamps its neighbours, as PyTorch and ONNX Runtime do.
      if padding == .border, mode != .cubic { place = max(0, min(length - 1, place)) }
      if padding == .reflection { place = reflect(place, border) }
    }
    let whole = place.rounded(.down), ratio = place - whole, base = Int(whole)
    let weighted: [(Int, Double)]
    switch mode {
    case .nearest: weighted = [(Int(place), 1)]
    case .linear: weighted = [(base, 1 - ratio), (base + 1, ratio)]
    case .cubic: weighted = (-1...2).map { (base + $0, cubic(Double($0) - ratio)) }
    }
    return weighted.compactMap { index, weight in
      if (0..<extent).contains(index) { return (index, weight) }
      switch padding {
      case .zeros: return nil
      case .border: return (max(0, min(extent - 1, index)), weight)
      case .reflection: return (max(0, min(extent - 1, Int(reflect(Double(index), border)))), weight)
      }
    }
  }

  private func cubic(_ distance: Double) -> Double {
    let x = abs(distance), a = -0.75
    if x <= 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
    return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0
  }

  private func reflect(_ place: Double, _ border: (Double, Double)) -> Double {
    let range = border.1 - border.0
    guard range > 0, place < border.0 || place > border.1 else { return range > 0 ? place : border.0 }
    let below = place < border.0
    let distance = below ? border.0 - place : place - border.1
    let turns = (distance / range).rounded(.down), rest = distance - turns * range
    let isEven = turns.truncatingRemainder(dividingBy: 2) == 0
    return below == isEven ? border.0 + rest : border.1 - rest
  }
}
