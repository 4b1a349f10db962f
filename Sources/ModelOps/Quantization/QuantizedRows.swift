import ModelGraph
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

  init(_ rows: UnsafeBufferPointer<Float>, count: Int, width: Int, asymmetric: Bool, in context: ExecutionContext) {
    self.count = count
    self.width = width
    values = [Int8](repeating: 0, count: count * width)
    scales = [Float](repeating: 1, count: count)
    zeroPoints = [Int32](repeating: 0, count: count)
    guard let x = rows.baseAddress, width > 0 else { return }
    for row in 0..<count {
      let grid = asymmetric ? asymmetricGrid(x + row * width, in: context) : symmetricGrid(x + row * width, in: context)
      guard let grid else { continue }
      scales[row] = grid.scale
      zeroPoints[row] = Int32(grid.zero)
      values.withUnsafeMutableBufferPointer { y in
        guard let y = y.baseAddress else { return }
        context.primitives.quantize(
          x + row * width, y + row * width, count: width, inverse: grid.inverse, nudge: grid.zero, least: asymmetric ? -128 : -127)
      }
    }
  }

  private typealias Grid = (scale: Float, inverse: Float, zero: Float)

  /// `nil` for a row of zeros.
  private func symmetricGrid(_ x: UnsafePointer<Float>, in context: ExecutionContext) -> Grid? {
    let (low, high) = context.primitives.rangeWithZero(x, count: width), range = max(-low, high)
    return range == 0 ? nil : (range / 127, 127 / range, 0)
  }

  private func asymmetricGrid(_ x: UnsafePointer<Float>, in context: ExecutionContext) -> Grid? {
    let (low, high) = context.primitives.rangeWithZero(x, count: width)
    let minimum = Double(low), maximum = Double(high)
    guard minimum != maximum else { return nil }
    let scale = (maximum - minimum) / 255
    let fromMinimum = -128 - minimum / scale, fromMaximum = 127 - maximum / scale
    let point = 128 + abs(minimum / scale) < 127 + abs(maximum / scale) ? fromMinimum : fromMaximum
    let nudged: Float =
      point <= -128 ? -128 : point >= 127 ? 127 : Float(point.rounded(.toNearestOrAwayFromZero))
    return (Float(scale), 1 / Float(scale), nudged.isNaN ? 0 : nudged)
  }
}

/// A matrix of 8-bit weights with one scale, or one for each row.
///
/// A node whose weights are constant keeps it, with what the primitives make of it, from run to run.
final class QuantizedMatrix {
  /// In 16 bits, `[rows, columns]`.
  let values: [Int16]
  let rows: Int, columns: Int
  let scales: [Float]
  private let rowSums: [Int32]
  private let arranged = NodeCache()

  init(_ values: [Int8], rows: Int, columns: Int, scales: [Float]) {
    self.values = values.map(Int16.init)
    self.rows = rows
    self.columns = columns
    self.scales = scales
    rowSums = (0..<rows).map { row in values[(row * columns)..<((row + 1) * columns)].reduce(into: 0) { $0 &+= Int32($1) } }
  }

  /// `result[b, r] += Σ weights[r, c] · (x[b, c] − zero[b]) · scale`, the sum in int32.
  func multiplyAccumulate(_ x: QuantizedRows, _ result: UnsafeMutablePointer<Float>, in context: ExecutionContext) {
    guard rows > 0, x.count > 0, columns > 0 else { return }
    let isPerRow = scales.count == rows && rows > 1
    withUnsafeTemporaryAllocation(of: Int32.self, capacity: x.count * rows) { sums in
      x.values.withUnsafeBufferPointer { input in
        values.withUnsafeBufferPointer { weights in
          guard let sums = sums.baseAddress, let input = input.baseAddress, let weights = weights.baseAddress else { return }
          context.primitives.products(
            StoredIntegers(input, .int8, zero: 0), weights, sums, m: x.count, n: rows, k: columns, cache: arranged)
        }
      }
      for b in 0..<x.count {
        let rowScale = isPerRow ? x.scales[b] : x.scales[b] * (scales.first ?? 1), zero = x.zeroPoints[b]
        rowSums.withUnsafeBufferPointer { rowSums in
          scales.withUnsafeBufferPointer { scales in
            for r in 0..<rows {
              let sum = sums[b * rows + r] &- rowSums[r] &* zero
              result[b * rows + r] += Float(sum) * (isPerRow ? rowScale * scales[r] : rowScale)
            }
          }
        }
      }
    }
  }
}

extension ComputePrimitives {
  /// `sums[i, j] = Σ a[i, p] · b[j, p]`, which wrap. A cache says that `b` is the same in every run of the node.
  func products(
    _ a: StoredIntegers, _ b: UnsafePointer<Int16>, _ sums: UnsafeMutablePointer<Int32>, m: Int, n: Int, k: Int, cache: NodeCache?
  ) {
    let shape = ConvolutionShape(
      batch: 1, input: [m], kernel: [1], output: [m], strides: [1], dilations: [1], padding: [0], inputChannels: k, outputChannels: n,
      groups: 1, layout: .channelsLast, kernelLayout: .spatialOutputInput)
    convolve(shape, a, b, sums: sums, cache: cache)
  }
}
