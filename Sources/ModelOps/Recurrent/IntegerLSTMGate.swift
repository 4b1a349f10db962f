import ModelGraph
import ModelTensor

/// One gate of an integer LSTM.
struct IntegerLSTMGate {
  var input: IntegerSum
  var recurrent: IntegerSum
  var peephole: (weights: [Int16], scale: FixedMultiplier)?
  var norm: IntegerLayerNorm?
  var isTanh: Bool
  var peepholeRows: PeepholeRows

  func evaluate(_ x: [Int8], _ state: [Int8], _ cell: [Int16], batch: Int, cells: Int) -> [Int16] {
    var gate = [Int16](repeating: 0, count: batch * cells)
    for b in 0..<batch {
      for j in 0..<cells {
        let k = b * cells + j
        // Each sum saturates, as it is stored in between.
        let value = Int16(clamping: input(x, b, j))
        gate[k] = Int16(clamping: recurrent(state, b, j) &+ Int32(value))
      }
    }
    if let peephole {
      for row in peepholeRows.rows(batch: batch, cells: cells) {
        for (j, k) in row.enumerated() where j < peephole.weights.count && k < gate.count {
          gate[k] = Int16(clamping: peephole.scale(Int32(peephole.weights[j]) * Int32(cell[k])) &+ Int32(gate[k]))
        }
      }
    }
    norm?.apply(&gate, batch: batch)
    for k in gate.indices {
      let value = FixedPoint16(gate[k], integerBits: 3)
      gate[k] = isTanh ? value.tanh : value.logistic
    }
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
  private let weights: [Int8]
  private let columns: Int
  private let bias: [Int32]
  private let scale: FixedMultiplier

  init(
    _ weights: NDArray, rows: Int, columns: Int, bias: [Int32]?, zeroPoint: Int32, scale: Float, _ op: any Op
  ) throws {
    guard weights.dtype == .int8, weights.shape == [rows, columns] else {
      throw ExecutionError(.shapeMismatch, "\(op.displayName): weights \(weights.type) where int8[\(rows), \(columns)] belongs")
    }
    let values = weights.values(Int8.self)
    self.weights = values
    self.columns = columns
    self.scale = FixedMultiplier(Double(scale))
    self.bias = (0..<rows).map { row in
      let sum = values[(row * columns)..<((row + 1) * columns)].reduce(into: Int32(0)) { $0 &+= Int32($1) }
      return (bias?[row] ?? 0) &- sum &* zeroPoint
    }
  }

  func callAsFunction(_ x: [Int8], _ row: Int, _ unit: Int) -> Int32 {
    var sum = bias[unit]
    let v = row * columns, w = unit * columns
    for c in 0..<columns { sum &+= Int32(weights[w + c]) &* Int32(x[v + c]) }
    return scale(sum)
  }
}

/// A factor as a fraction of 31 bits and a power of two (`QuantizeMultiplier` and `MultiplyByQuantizedMultiplier`).
struct FixedMultiplier {
  private let fraction: Int32
  private let shift: Int

  init(fraction: Int32, shift: Int) {
    self.fraction = fraction
    self.shift = shift
  }

  init(_ factor: Double) {
    guard factor > 0, factor.isFinite else {
      self.init(fraction: 0, shift: 0)
      return
    }
    var exponent = Int(factor.exponent) + 1
    var fixed = Int64((factor.significand / 2 * 0x1p31).rounded(.toNearestOrAwayFromZero))
    if fixed == 1 << 31 {
      fixed /= 2
      exponent += 1
    }
    guard exponent >= -31 else {
      self.init(fraction: 0, shift: 0)
      return
    }
    self.init(fraction: Int32(truncatingIfNeeded: fixed), shift: min(exponent, 31))
  }

  func callAsFunction(_ x: Int32) -> Int32 {
    let shifted = shift > 0 ? x &* Int32(truncatingIfNeeded: Int64(1) << Int64(shift)) : x
    return FixedPoint16.dividedByPowerOfTwo(Self.highProduct(shifted, fraction), shift > 0 ? 0 : -shift)
  }

  /// The upper half of twice the product, rounded and saturated.
  static func highProduct(_ a: Int32, _ b: Int32) -> Int32 {
    if a == .min, b == .min { return .max }
    let product = Int64(a) * Int64(b)
    return Int32(truncatingIfNeeded: (product + (product >= 0 ? 1 << 30 : 1 - (1 << 30))) / (1 << 31))
  }

  /// `factor / √x` with the power of two it needs (`GetInvSqrtQuantizedMultiplierExp`).
  static func inverseSquareRoot(of x: Int32) -> FixedMultiplier {
    guard x > 1 else { return FixedMultiplier(fraction: .max, shift: 0) }
    var input = x, shift = 11
    while input >= 1 << 29 {
      input /= 4
      shift += 1
    }
    let pairs = (input.leadingZeroBitCount - 1) / 2 - 1
    shift -= pairs
    input <<= Int32(2 * pairs)
    // Three integer bits throughout; a product has the sum of both, and is brought back.
    func rescaled(_ raw: Int32, from bits: Int) -> Int32 {
      let exponent = bits - 3, threshold = (Int32(1) << Int32(31 - exponent)) - 1
      return raw > threshold ? .max : raw < -threshold ? .min : raw << Int32(exponent)
    }
    let half = input >> 1, halfInput = FixedPoint16.dividedByPowerOfTwo(half, 1), halfThree: Int32 = (1 << 28) + (1 << 27)
    // 3/2 has a value of 28 fractional bits.
    var root: Int32 = 1 << 28
    for _ in 0..<5 {
      let cube = rescaled(highProduct(highProduct(root, root), root), from: 9)
      root = rescaled(highProduct(halfThree, root) &- highProduct(halfInput, cube), from: 6)
    }
    root = highProduct(root, 1_518_500_250)
    if shift < 0 {
      root <<= Int32(-shift)
      shift = 0
    }
    return FixedMultiplier(fraction: root, shift: -shift)
  }

  func adding(_ exponent: Int) -> FixedMultiplier { FixedMultiplier(fraction: fraction, shift: shift + exponent) }
}

/// Layer normalisation of 16-bit sums (`PortableApplyLayerNorm`).
struct IntegerLayerNorm {
  let coefficients: [Int16]
  let bias: [Int32]
  private let scale: FixedMultiplier
  private let guardValue: Int32

  init(coefficients: [Int16], bias: [Int32], scale: Float) {
    self.coefficients = coefficients
    self.bias = bias
    self.scale = FixedMultiplier(Double(scale)).adding(12)
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
      let inverse = FixedMultiplier.inverseSquareRoot(of: spread)
      for j in 0..<n {
        let centred = inverse(1024 &* Int32(values[b * n + j]) &- mean)
        let weighted = Int64(centred &* Int32(coefficients[j]) &+ bias[j])
        let rounded = Int32(truncatingIfNeeded: (weighted > 0 ? weighted + 512 : weighted - 512) / 1024)
        values[b * n + j] = Int16(clamping: scale(rounded))
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
