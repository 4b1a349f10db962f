import ModelGraph
import ModelTensor

/// Which elements of a line make up one of the result.
struct ResizeTaps {
  var indices: [Int]
  var weights: [Double]
  var isOutside = false
}

extension ResizeOp {
  /// The place in the input that place `i` of the result stands for. In single precision, as the frameworks
  /// compute it: which of two neighbours is nearest hangs on it.
  private func origin(_ i: Int, scale: Double, output: Int, input: Int, region: (Double, Double)) -> Float {
    let i = Float(i), scale = Float(scale), length = Float(input)
    let exact = scale * length
    switch coordinateMode {
    case .halfPixel: return (i + 0.5) / scale - 0.5
    case .halfPixelSymmetric: return length / 2 * (1 - Float(output) / exact) + (i + 0.5) / scale - 0.5
    case .pytorchHalfPixel: return exact == 1 ? -0.5 : (i + 0.5) / scale - 0.5
    case .alignCorners: return exact == 1 ? 0 : i * (length - 1) / (exact - 1)
    case .asymmetric: return i / scale
    case .tfHalfPixelForNN: return (i + 0.5) / scale
    case .tfCropAndResize:
      let start = Float(region.0) * (length - 1), span = Float(region.1 - region.0) * (length - 1)
      return start + (exact == 1 ? span / 2 : i * span / (exact - 1))
    }
  }

  func taps(at i: Int, scale: Double, output: Int, input: Int, region: (Double, Double)) -> ResizeTaps {
    let place = Double(origin(i, scale: scale, output: output, input: input, region: region))
    guard place.isFinite, abs(place) < 0x1p50 else { return ResizeTaps(indices: [0], weights: [0], isOutside: true) }
    let isOutside = coordinateMode == .tfCropAndResize && (place < 0 || place > Double(input - 1))
    func clamp(_ index: Int) -> Int { max(0, min(input - 1, index)) }
    let whole = place.rounded(.down)
    if mode == .nearest {
      let ratio = place - whole
      let up: Bool
      switch nearestMode {
      case .roundPreferFloor: up = ratio > 0.5
      case .roundPreferCeil: up = ratio >= 0.5
      case .floor: up = false
      case .ceil: up = ratio > 0
      }
      return ResizeTaps(indices: [clamp(Int(whole) + (up ? 1 : 0))], weights: [1], isOutside: isOutside)
    }
    var weights: [Double], first: Int
    let ratio = place - whole, base = Int(whole)
    // Shrinking with antialiasing widens the filter by the inverse of the scale.
    let filter = antialias ? min(scale, 1) : 1
    let radius = mode == .linear ? 1.0 : 2.0
    let reach = Int((-radius / filter).rounded(.down)) + 1
    first = base + reach
    weights = (reach...(1 - reach)).map { kernel((Double($0) - ratio) * filter) }
    let total = weights.reduce(0, +)
    if antialias, total != 0 { weights = weights.map { $0 / total } }
    var indices = weights.indices.map { first + $0 }
    if excludeOutside {
      for (k, index) in indices.enumerated() where index < 0 || index >= input { weights[k] = 0 }
      let left = weights.reduce(0, +)
      if left != 0 { weights = weights.map { $0 / left } }
    }
    indices = indices.map(clamp)
    return ResizeTaps(indices: indices, weights: weights, isOutside: isOutside)
  }

  /// The filter at a distance: a triangle, or Keys's cubic (1981).
  private func kernel(_ distance: Double) -> Double {
    let x = abs(distance), a = cubicCoefficient
    if mode == .linear { return max(0, 1 - x) }
    if x <= 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
    return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0
  }
}

extension ResizeOp {
  /// One line of weighted sums per tap along `axis`.
  func resample(_ x: NDArray, axis: Int, _ taps: [ResizeTaps], in context: ExecutionContext) throws -> NDArray {
    var shape = x.shape
    shape[axis] = taps.count
    let result = try context.allocate(x.dtype, shape)
    let view = AxisView(x.shape, axis: axis)
    func run<T: BinaryFloatingPoint>(_: T.Type) {
      x.with(T.self) { source in
        result.withMutable(T.self) { y in
          for o in 0..<view.outer {
            for (row, tap) in taps.enumerated() {
              let to = (o * taps.count + row) * view.inner
              for i in 0..<view.inner { y[to + i] = 0 }
              for (index, weight) in zip(tap.indices, tap.weights) where weight != 0 {
                let from = (o * view.extent + index) * view.inner, weight = T(weight)
                for i in 0..<view.inner { y[to + i] += weight * source[from + i] }
              }
            }
          }
        }
      }
    }
    if x.dtype == .float64 { run(Double.self) } else { run(Float.self) }
    return result
  }

  /// The extrapolation value wherever `flags` say so along `axis`.
  func extrapolate(_ x: NDArray, axis: Int, _ flags: [Bool], in context: ExecutionContext) throws -> NDArray {
    var shape = [Int](repeating: 1, count: x.rank)
    shape[axis] = flags.count
    let filler = try NDArray(scalar: extrapolation).cast(to: x.dtype, in: context)
    return try WhereOp().evaluate([NDArray(flags, shape), filler, x], in: context)[0]
  }
}
