import ModelTensor

/// Rows of floats quantised as they come: what LiteRT's hybrid kernels make of their activations (`BatchQuantizeFloats`,
/// `SymmetricQuantizeFloats` and `AsymmetricQuantizeFloats` of its reference `portable_tensor_utils`).
struct QuantizedRows {
  var values: [Int8]
  /// One for each row.
  var scales: [Float]
  /// One for each row; all zero for symmetric rows.
  var zeroPoints: [Int32]
  let count: Int, width: Int

  init(_ rows: UnsafeBufferPointer<Float>, count: Int, width: Int, asymmetric: Bool) {
    self.count = count
    self.width = width
    values = [Int8](repeating: 0, count: count * width)
    scales = [Float](repeating: 1, count: count)
    zeroPoints = [Int32](repeating: 0, count: count)
    for row in 0..<count {
      let slice = UnsafeBufferPointer(rebasing: rows[(row * width)..<((row + 1) * width)])
      if asymmetric { quantizeAsymmetric(slice, row) } else { quantizeSymmetric(slice, row) }
    }
  }

  private mutating func quantizeSymmetric(_ x: UnsafeBufferPointer<Float>, _ row: Int) {
    var range: Float = 0
    for value in x { range = max(range, abs(value)) }
    guard range != 0 else { return }
    scales[row] = range / 127
    let inverse = 127 / range
    for i in x.indices { values[row * width + i] = Int8(max(-127, min(127, roundedAway(x[i] * inverse)))) }
  }

  private mutating func quantizeAsymmetric(_ x: UnsafeBufferPointer<Float>, _ row: Int) {
    var low: Float = 0, high: Float = 0
    for value in x { low = min(low, value); high = max(high, value) }
    let minimum = Double(low), maximum = Double(high)
    guard minimum != maximum else { return }
    let scale = (maximum - minimum) / 255
    let fromMinimum = -128 - minimum / scale, fromMaximum = 127 - maximum / scale
    let point = 128 + abs(minimum / scale) < 127 + abs(maximum / scale) ? fromMinimum : fromMaximum
    let nudged: Float =
      point <= -128 ? -128 : point >= 127 ? 127 : Float(point.rounded(.toNearestOrAwayFromZero))
    scales[row] = Float(scale)
    zeroPoints[row] = Int32(nudged.isNaN ? 0 : nudged)
    let inverse = 1 / scales[row]
    for i in x.indices { values[row * width + i] = Int8(max(-128, min(127, roundedAway(nudged + x[i] * inverse)))) }
  }

  /// Rounded half away from zero; what is no number counts as the least.
  private func roundedAway(_ x: Float) -> Float { x.isNaN ? -128 : x.rounded(.toNearestOrAwayFromZero) }
}

/// A matrix of 8-bit weights with one scale, or one for each row.
struct QuantizedMatrix {
  let values: [Int8]
  let rows: Int, columns: Int
  let scales: [Float]
  private let rowSums: [Int32]

  init(_ values: [Int8], rows: Int, columns: Int, scales: [Float]) {
    self.values = values
    self.rows = rows
    self.columns = columns
    self.scales = scales
    rowSums = (0..<rows).map { row in values[(row * columns)..<((row + 1) * columns)].reduce(into: 0) { $0 &+= Int32($1) } }
  }

  /// `result[b, r] += Σ weights[r, c] · (x[b, c] − zero[b]) · scale`, the sum in int32.
  func multiplyAccumulate(_ x: QuantizedRows, _ result: UnsafeMutablePointer<Float>) {
    let isPerRow = scales.count == rows && rows > 1
    values.withUnsafeBufferPointer { weights in
      x.values.withUnsafeBufferPointer { input in
        for b in 0..<x.count {
          let rowScale = isPerRow ? x.scales[b] : x.scales[b] * (scales.first ?? 1)
          for r in 0..<rows {
            var sum: Int32 = 0
            let w = r * columns, v = b * columns
            for c in 0..<columns { sum &+= Int32(weights[w + c]) &* Int32(input[v + c]) }
            sum &-= rowSums[r] &* x.zeroPoints[b]
            result[b * rows + r] += Float(sum) * (isPerRow ? rowScale * scales[r] : rowScale)
          }
        }
      }
    }
  }
}
