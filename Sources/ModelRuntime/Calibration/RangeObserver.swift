import ModelPasses
import ModelTensor

/// How a value's range is found from what it was seen to be.
public enum CalibrationMethod: Sendable, Hashable {
  /// The least and the greatest number of all samples.
  case minMax
  /// The least and the greatest number of each batch, averaged: each batch counts `1 − momentum` of the way.
  case movingAverage(momentum: Double)
  /// The range that holds this percentage of all numbers, as many left out at either end.
  case percentile(Double)
  /// The range with the least mean squared error when it is quantised.
  case meanSquaredError
}

/// What is remembered of the numbers that a value takes: as much for a million samples as for one.
struct RangeObserver {
  let method: CalibrationMethod
  private(set) var low = Float.infinity
  private(set) var high = -Float.infinity
  private var histogram = Histogram()
  private var batches = 0

  init(_ method: CalibrationMethod) { self.method = method }

  /// Infinities count for nothing: what pads a maximum is no number to make room for.
  /// - Returns: `false` when there is a NaN among the numbers.
  mutating func observe(_ array: NDArray) -> Bool {
    guard array.dtype == .float32, array.count > 0 else { return true }
    var least = Float.infinity, most = -Float.infinity, isNumber = true
    array.with(Float.self) { values in
      (least, most, isNumber) = Self.extremes(values)
      guard isNumber, least.isFinite, most.isFinite else {
        if isNumber { (least, most) = Self.finiteExtremes(values) }
        return
      }
    }
    guard isNumber else { return false }
    guard least <= most else { return true }
    switch method {
    case .minMax: (low, high) = (min(low, least), max(high, most))
    case .movingAverage(let momentum):
      if batches == 0 {
        (low, high) = (least, most)
      } else {
        low += Float(1 - momentum) * (least - low)
        high += Float(1 - momentum) * (most - high)
      }
    case .percentile, .meanSquaredError:
      (low, high) = (min(low, least), max(high, most))
      histogram.makeRoom(for: max(abs(least), abs(most)))
      array.with(Float.self) { histogram.add($0) }
    }
    batches += 1
    return true
  }

  /// - Returns: `nil` when no finite number was seen.
  func range() -> ValueRange? {
    guard low <= high else { return nil }
    let all = ValueRange(low: low, high: high)
    switch method {
    case .minMax, .movingAverage: return all
    case .percentile(let percentage): return histogram.range(holding: percentage / 100, within: all)
    case .meanSquaredError: return histogram.bestRange(within: all)
    }
  }

  private static func extremes(_ values: UnsafeBufferPointer<Float>) -> (Float, Float, Bool) {
    var lows = SIMD16<Float>(repeating: .infinity), highs = SIMD16<Float>(repeating: -.infinity)
    var strange = SIMDMask<SIMD16<Float.SIMDMaskScalar>>(repeating: false)
    let whole = values.count / 16 * 16
    if let base = values.baseAddress {
      for i in stride(from: 0, to: whole, by: 16) {
        let v = UnsafeRawPointer(base + i).loadUnaligned(as: SIMD16<Float>.self)
        lows.replace(with: v, where: v .< lows)
        highs.replace(with: v, where: v .> highs)
        strange = strange .| (v .!= v)
      }
    }
    var low = lows.min(), high = highs.max(), isNumber = !any(strange)
    for value in values[whole...] {
      low = value < low ? value : low
      high = value > high ? value : high
      if value.isNaN { isNumber = false }
    }
    return (low, high, isNumber)
  }

  private static func finiteExtremes(_ values: UnsafeBufferPointer<Float>) -> (Float, Float) {
    var low = Float.infinity, high = -Float.infinity
    for value in values where value.isFinite { (low, high) = (min(low, value), max(high, value)) }
    return (low, high)
  }
}
