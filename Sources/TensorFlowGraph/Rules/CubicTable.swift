/// The weights of `ResizeBicubic`, which are looked up in a table of 1024 steps between two neighbours
/// (`tensorflow/core/kernels/image/resize_bicubic_op.cc`).
struct CubicTable {
  let corners: Bool
  /// Keys's cubic at half-pixel centres, whose neighbours outside count nothing; else a steeper one, whose neighbours are clamped.
  let centres: Bool

  /// `[to, from]`, row-major: what each element of the result takes of the input's, in single precision as there.
  func matrix(from extent: Int, to out: Int) -> [Float] {
    var result = [Float](repeating: 0, count: extent * out)
    let scale = corners && out > 1 ? Float(extent - 1) / Float(out - 1) : Float(extent) / Float(max(1, out))
    for row in 0..<out {
      let place = centres ? (Float(row) + 0.5) * scale - 0.5 : Float(row) * scale, whole = place.rounded(.down)
      let step = ((place - whole) * 1024).rounded(.toNearestOrEven) / 1024
      var taps = (-1...2).map { (index: Int(whole) + $0, weight: weight(abs(Float($0) - step))) }
      if centres { taps.removeAll { !(0..<extent).contains($0.index) } }
      let total = centres ? taps.reduce(0) { $0 + $1.weight } : 1
      guard abs(total) >= 1000 * Float.leastNormalMagnitude else { continue }
      for tap in taps { result[row * extent + max(0, min(extent - 1, tap.index))] += tap.weight / total }
    }
    return result
  }

  private func weight(_ x: Float) -> Float {
    let a: Float = centres ? -0.5 : -0.75
    if x <= 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
    return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0
  }
}
