import ModelPasses

/// Counts of numbers in bins of one width about zero, which doubles when a number lies outside: one pass, bounded room.
struct Histogram {
  private static let half = 2048
  /// Bin `half + k` holds the numbers in `k·width ..< (k + 1)·width`.
  private var counts: [UInt64] = []
  private var limit: Float = 0
  private var total: UInt64 = 0
  private var width: Float { limit / Float(Self.half) }

  mutating func makeRoom(for magnitude: Float) {
    guard magnitude.isFinite, magnitude > 0 || counts.isEmpty else { return }
    if counts.isEmpty {
      counts = [UInt64](repeating: 0, count: 2 * Self.half)
      limit = max(magnitude, Float.leastNormalMagnitude * 4096) * 1.0625
      return
    }
    while limit < magnitude, limit < .greatestFiniteMagnitude / 2 {
      var merged = [UInt64](repeating: 0, count: 2 * Self.half)
      for (index, count) in counts.enumerated() where count > 0 {
        let bin = index - Self.half
        merged[Self.half + (bin >= 0 ? bin / 2 : (bin - 1) / 2)] += count
      }
      counts = merged
      limit *= 2
    }
  }

  mutating func add(_ values: UnsafeBufferPointer<Float>) {
    guard !counts.isEmpty else { return }
    let inverse = 1 / width
    for value in values where value.isFinite {
      let bin = max(-Float(Self.half), min(Float(Self.half - 1), (value * inverse).rounded(.down)))
      guard !bin.isNaN else { continue }
      counts[Self.half + Int(bin)] += 1
      total += 1
    }
  }

  /// The range between the quantiles, within what was seen.
  func range(holding share: Double, within all: ValueRange) -> ValueRange {
    guard total > 0 else { return all }
    let outside = UInt64(Double(total) * (1 - share) / 2)
    var below: UInt64 = 0, first = 0
    while first < counts.count, below + counts[first] <= outside {
      below += counts[first]
      first += 1
    }
    var above: UInt64 = 0, last = counts.count - 1
    while last > first, above + counts[last] <= outside {
      above += counts[last]
      last -= 1
    }
    return ValueRange(
      low: max(all.low, Float(first - Self.half) * width), high: min(all.high, Float(last + 1 - Self.half) * width))
  }

  /// The range whose 8-bit quantisation has the least mean squared error: both ends are drawn in step by step.
  func bestRange(within all: ValueRange) -> ValueRange {
    var best = all, least = error(of: all)
    let steps = 128
    for step in 1..<steps {
      let factor = Float(steps - step) / Float(steps)
      for candidate in [
        ValueRange(low: all.low * factor, high: all.high * factor), ValueRange(low: all.low, high: all.high * factor),
        ValueRange(low: all.low * factor, high: all.high),
      ] {
        let found = error(of: candidate)
        if found < least { (best, least) = (candidate, found) }
      }
    }
    return best
  }

  /// The summed squared error of numbers clamped to a range and rounded to 256 steps of it.
  private func error(of range: ValueRange) -> Double {
    let low = Double(min(range.low, 0)), high = Double(max(range.high, 0)), step = (high - low) / 255
    guard step > 0 else { return .infinity }
    let rounding = step * step / 12, width = Double(width)
    var sum = 0.0
    for (index, count) in counts.enumerated() where count > 0 {
      let value = (Double(index - Self.half) + 0.5) * width
      let beyond = value < low ? low - value : value > high ? value - high : 0
      // Bins narrower than a step are rounded, wider ones are what they are.
      sum += Double(count) * (beyond > 0 ? beyond * beyond : min(rounding, value * value))
    }
    return sum
  }
}
