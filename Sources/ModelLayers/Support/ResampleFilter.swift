#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The filters of `tf.image.resize` that are more than a neighbourhood of four: Lanczos, Gaussian,
/// Mitchell's and Keys's cubics, triangles that widen when an image shrinks, and areas.
struct ResampleFilter {
  let interpolation: Interpolation
  let antialias: Bool
  init(_ interpolation: Interpolation, antialias: Bool) {
    self.interpolation = interpolation
    self.antialias = antialias
  }

  private var radius: Double {
    switch interpolation {
    case .lanczos3: 3
    case .lanczos5: 5
    case .gaussian: 1.5
    case .bicubic, .mitchellcubic: 2
    case .nearest, .bilinear, .area: 1
    }
  }

  private func weight(_ distance: Double) -> Double {
    let x = abs(distance)
    switch interpolation {
    case .lanczos3, .lanczos5:
      guard x < radius else { return 0 }
      guard x > 1e-3 else { return 1 }
      return radius * sin(.pi * x) * sin(.pi * x / radius) / (.pi * .pi * x * x)
    case .gaussian: return x < radius ? exp(-x * x / (2 * 0.5 * 0.5)) : 0
    case .bicubic:
      if x >= 2 { return 0 }
      return x >= 1 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : (1.5 * x - 2.5) * x * x + 1
    case .mitchellcubic:
      if x >= 2 { return 0 }
      if x >= 1 { return (((-7 * x / 18 + 2) * x - 10 / 3) * x) + 16 / 9 }
      return ((7 * x / 6 - 2) * x * x) + 8 / 9
    case .nearest, .bilinear, .area: return max(0, 1 - x)
    }
  }

  /// `[from, to]`, row-major: what each element of the input weighs in each of the result.
  func matrix(from: Int, to: Int) -> [Float] {
    var result = [Float](repeating: 0, count: from * to)
    let step = Double(from) / Double(max(1, to))
    for place in 0..<to {
      var weights: [(Int, Double)] = []
      if interpolation == .bicubic, !antialias {
        // TensorFlow looks its cubic up in a table of 1024 steps.
        let origin = (Float(place) + 0.5) * (Float(from) / Float(max(1, to))) - 0.5, whole = origin.rounded(.down)
        let fraction = Double(((origin - whole) * 1024).rounded(.toNearestOrEven)) / 1024
        for offset in -1...2 {
          let index = Int(whole) + offset
          if (0..<from).contains(index) { weights.append((index, weight(Double(offset) - fraction))) }
        }
      } else if interpolation == .area {
        let start = Double(place) * step, end = Double(place + 1) * step
        for index in Int(start)..<max(Int(start) + 1, min(from, Int(end.rounded(.up)))) where index < from {
          weights.append((index, min(end, Double(index + 1)) - max(start, Double(index))))
        }
      } else {
        let scale = antialias ? max(step, 1) : 1, centre = (Double(place) + 0.5) * step
        let first = max(0, Int((centre - radius * scale - 0.5).rounded(.up)))
        let last = min(from - 1, Int((centre + radius * scale - 0.5).rounded(.down)))
        for index in stride(from: first, through: last, by: 1) {
          weights.append((index, weight((Double(index) + 0.5 - centre) / scale)))
        }
      }
      let total = weights.reduce(0) { $0 + $1.1 }
      guard abs(total) > 1e-9 else { continue }
      for (index, weight) in weights { result[index * to + place] = Float(weight / total) }
    }
    return result
  }
}
