import Foundation

/// The kernels of ScaleAndTranslate, by TensorFlow's names.
enum ResamplingKernel: String {
  case lanczos1, lanczos3, lanczos5, gaussian, box, triangle, keyscubic, mitchellcubic

  var radius: Float {
    switch self {
    case .lanczos1, .triangle: 1
    case .lanczos3: 3
    case .lanczos5: 5
    case .gaussian: 1.5
    case .box: 0.5
    case .keyscubic, .mitchellcubic: 2
    }
  }

  func callAsFunction(_ place: Float) -> Float {
    let x = abs(place)
    switch self {
    case .lanczos1, .lanczos3, .lanczos5:
      if x > radius { return 0 }
      if x <= 1e-3 { return 1 }
      return radius * sin(.pi * x) * sin(.pi * x / radius) / (.pi * .pi * x * x)
    case .gaussian: return x >= radius ? 0 : exp(-x * x / (2 * (radius / 3) * (radius / 3)))
    case .box: return x < 0.5 ? 1 : x == 0.5 ? 0.5 : 0
    case .triangle: return x < 1 ? 1 - x : 0
    case .keyscubic:
      if x >= 2 { return 0 }
      return x >= 1 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : (1.5 * x - 2.5) * x * x + 1
    case .mitchellcubic:
      if x >= 2 { return 0 }
      return x >= 1 ? ((-7.0 / 18 * x + 2) * x - 10.0 / 3) * x + 16.0 / 9 : (7.0 / 6 * x - 2) * x * x + 8.0 / 9
    }
  }

  /// The matrix `[out, in]` that resamples one axis: `out` place p shows the input's place `(p − shift) / scale`.
  func weights(_ extent: Int, _ out: Int, scale: Double, shift: Double, antialias: Bool) -> [Float] {
    let inverse = Float(1 / scale), offset = -inverse * Float(shift), width = antialias ? max(inverse, 1) : 1
    var matrix = [Float](repeating: 0, count: extent * out)
    for place in 0..<out {
      let centre = (Float(place) + 0.5) * inverse + offset
      guard centre >= 0, centre <= Float(extent) else { continue }
      let reach = radius * width
      let first = min(max((centre - reach - 0.5).rounded(.up), 0), Float(extent - 1))
      let last = min(max((centre + reach - 0.5).rounded(.down), 0), Float(extent - 1))
      guard first <= last else { continue }
      let taps = Int(first)...Int(last), raw = taps.map { self((Float($0) + 0.5 - centre) / width) }, total = raw.reduce(0, +)
      guard abs(total) >= 1000 * Float.leastNormalMagnitude else { continue }
      for (tap, weight) in zip(taps, raw) { matrix[place * extent + tap] = weight / total }
    }
    return matrix
  }
}

/// The matrix `[out, in]` of averages over the area of each result.
func areaWeights(_ extent: Int, _ out: Int, corners: Bool) -> [Float] {
  let scale = corners && out > 1 ? Float(extent - 1) / Float(out - 1) : Float(extent) / Float(out)
  var matrix = [Float](repeating: 0, count: extent * out)
  guard scale > 0 else {
    for place in 0..<out { matrix[place * extent] = 1 }
    return matrix
  }
  for place in 0..<out {
    let start = Float(place) * scale, end = Float(place + 1) * scale
    for tap in Int(start.rounded(.down))..<max(Int(end.rounded(.up)), Int(start.rounded(.down)) + 1) {
      let from = Float(tap), covered: Float
      if from < start {
        covered = from + 1 > end ? scale : from + 1 - start
      } else {
        covered = from + 1 > end ? end - from : 1
      }
      matrix[place * extent + min(max(tap, 0), extent - 1)] += covered / scale
    }
  }
  return matrix
}
