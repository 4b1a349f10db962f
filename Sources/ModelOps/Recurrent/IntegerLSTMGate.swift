import ModelGraph
import ModelTensor

/// One gate of an integer LSTM.
struct IntegerLSTMGate {
  var input: IntegerSum
  var recurrent: IntegerSum
  var peephole: (weights: [Int16], scale: FixedPointFactor)?
  var norm: IntegerLayerNorm?
  var isTanh: Bool
  var peepholeRows: PeepholeRows

  func evaluate(
    _ x: [Int8], _ state: [Int8], _ cell: [Int16], batch: Int, cells: Int, in context: ExecutionContext
  ) -> [Int16] {
    let inputs = input.rows(x, count: batch, in: context), states = recurrent.rows(state, count: batch, in: context)
    // Each sum saturates, as it is stored in between.
    var gate = zip(inputs, states).map { Int16(clamping: $1 &+ Int32(Int16(clamping: $0))) }
    if let peephole {
      for row in peepholeRows.rows(batch: batch, cells: cells) {
        for (j, k) in row.enumerated() where j < peephole.weights.count && k < gate.count {
          gate[k] = Int16(clamping: peephole.scale.times(Int32(peephole.weights[j]) * Int32(cell[k])) &+ Int32(gate[k]))
        }
      }
    }
    norm?.apply(&gate, batch: batch)
    context.primitives.gates(&gate, count: gate.count, integerBits: 3, tanh: isTanh)
    return gate
  }
}

/// Where peepholes look: LiteRT takes the cell state for rows as wide as the output, which is another place than the cell's own
/// when a projection makes the output narrower. What runs it decides what the weights have been made for.
struct PeepholeRows {
  var width: Int
  /// Whether all rows of a batch are computed in one go.
  var isJoined: Bool

  func rows(batch: Int, cells: Int) -> [Range<Int>] {
    (0..<batch).map { b in
      let start = b * (isJoined ? width : cells)
      return start..<(start + width)
    }
  }
}

/// Sums of products of 8-bit integers, scaled: `(Σ w · (x − zero) + bias) · scale`.
struct IntegerSum {
  /// In 16 bits, `[units, columns]`.
  private let weights: [Int16]
  private let columns: Int
  private let bias: [Int32]
  private let scale: FixedPointFactor
  private let arranged = NodeCache()

  init(
    _ weights: NDArray, rows: Int, columns: Int, bias: [Int32]?, zeroPoint: Int32, scale: Float, _ op: any Op
  ) throws {
    guard weights.dtype == .int8, weights.shape == [rows, columns] else {
      throw ExecutionError(.shapeMismatch, "\(op.displayName): weights \(weights.type) where int8[\(rows), \(columns)] belongs")
    }
    let values = weights.values(Int8.self)
    self.weights = values.map(Int16.init)
    self.columns = columns
    self.scale = FixedPointFactor(Double(scale))
    self.bias = (0..<rows).map { row in
      let sum = values[(row * columns)..<((row + 1) * columns)].reduce(into: Int32(0)) { $0 &+= Int32($1) }
      return (bias?[row] ?? 0) &- sum &* zeroPoint
    }
  }

  /// The sums of `count` rows of `x`: `[count, units]`.
  func rows(_ x: [Int8], count: Int, in context: ExecutionContext) -> [Int32] {
    let units = bias.count
    return [Int32](unsafeUninitializedCapacity: count * units) { sums, filled in
      weights.withUnsafeBufferPointer { weights in
        x.withUnsafeBufferPointer { x in
          guard let sums = sums.baseAddress else { return }
          if let x = x.baseAddress, let weights = weights.baseAddress {
            context.primitives.products(
              StoredIntegers(x, .int8, zero: 0), weights, sums, m: count, n: units, k: columns, cache: arranged)
          } else {
            sums.update(repeating: 0, count: count * units)
          }
          for row in 0..<count { for unit in 0..<units { sums[row * units + unit] = scale.times(sums[row * units + unit] &+ bias[unit]) } }
          filled = count * units
        }
      }
    }
  }
}

/// Layer normalisation of 16-bit sums (`PortableApplyLayerNorm`).
struct IntegerLayerNorm {
  let coefficients: [Int16]
  let bias: [Int32]
  private let scale: FixedPointFactor
  private let guardValue: Int32

  init(coefficients: [Int16], bias: [Int32], scale: Float) {
    self.coefficients = coefficients
    self.bias = bias
    var factor = FixedPointFactor(Double(scale))
    factor.shift += 12
    self.scale = factor
    guardValue = Int32(max(1, min(2e9, 10000 * scale)))
  }

  func apply(_ values: inout [Int16], batch: Int) {
    let n = coefficients.count
    guard n > 0 else { return }
    for b in 0..<batch {
      let row = values[(b * n)..<((b + 1) * n)]
      let sum = row.reduce(Int64(0)) { $0 + Int64($1) }, squares = row.reduce(Int64(0)) { $0 + Int64($1) * Int64($1) }
      let mean = Int32(truncatingIfNeeded: sum * 1024 / Int64(n))
      let variance = squares &* Int64((1 << 20) / n) &- Int64(mean) &* Int64(mean)
      var spread = Int32(truncatingIfNeeded: variance / (1 << 20))
      if spread < 1 { spread = guardValue }
      let inverse = FixedPointFunctions.inverseSquareRoot(spread)
      for j in 0..<n {
        let centred = inverse.times(1024 &* Int32(values[b * n + j]) &- mean)
        let weighted = Int64(centred &* Int32(coefficients[j]) &+ bias[j])
        let rounded = Int32(truncatingIfNeeded: (weighted > 0 ? weighted + 512 : weighted - 512) / 1024)
        values[b * n + j] = Int16(clamping: scale.times(rounded))
      }
    }
  }
}

func integerVector(_ array: NDArray, _ count: Int, _ op: any Op) throws -> [Int32] {
  guard array.dtype == .int32, array.count == count else {
    throw ExecutionError(.shapeMismatch, "\(op.displayName): \(array.type) where \(count) int32 belong")
  }
  return array.values(Int32.self)
}

func shortVector(_ array: NDArray, _ count: Int, _ op: any Op) throws -> [Int16] {
  guard array.dtype == .int16, array.count == count else {
    throw ExecutionError(.shapeMismatch, "\(op.displayName): \(array.type) where \(count) int16 belong")
  }
  return array.values(Int16.self)
}

extension Float {
  /// The logarithm to base 2, exact for powers of two.
  var logarithm2: Float { self > 0 && isFinite ? Float(exponent) + (significand == 1 ? 0 : (significand - 1)) : .nan }
}

extension Double {
  static func power(of exponent: Int) -> Double { Double(sign: .plus, exponent: exponent, significand: 1) }
}
