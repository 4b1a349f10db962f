/// Where an axis is marked: round numbers, about `count` of them.
struct AxisTicks {
  let values: [Double]
  let isLogarithmic: Bool
  let range: ClosedRange<Double>

  /// - Parameter logarithmic: whether numbers of very different sizes get a logarithmic axis.
  init(_ low: Double, _ high: Double, count: Int = 5, logarithmic: Bool = false) {
    if logarithmic, low > 0, high / low > 200 {
      let first = Self.floorLog(low), last = -Self.floorLog(1 / high)
      isLogarithmic = true
      range = Double(first)...Double(Swift.max(first + 1, last))
      let step = Swift.max(1, (last - first + count - 1) / count)
      values = stride(from: first, through: last, by: step).map { Double($0) }
      return
    }
    isLogarithmic = false
    let spread = high - low, padding = spread > 0 ? spread * 0.05 : Swift.max(abs(high) * 0.1, 1e-3)
    // Losses and accuracies don't go below 0 for the margin's sake alone.
    let bottom = low >= 0 ? Swift.max(0, low - padding) : low - padding, top = high + padding
    range = bottom...top
    let raw = (top - bottom) / Double(count)
    var power = 1.0
    while power * 10 <= raw { power *= 10 }
    while power > raw { power /= 10 }
    let step = power * (raw / power < 1.5 ? 1 : raw / power < 3.5 ? 2 : raw / power < 7.5 ? 5 : 10)
    let first = (bottom / step).rounded(.up)
    values = (0...Swift.max(count * 2, 1)).map { (first + Double($0)) * step }.filter { $0 <= top + step * 1e-9 }
  }

  /// From 0 to 1 along the axis.
  func place(_ value: Double) -> Double {
    let scaled = isLogarithmic ? Self.log10(value) : value
    return (scaled - range.lowerBound) / (range.upperBound - range.lowerBound)
  }
  /// Of a value of `values`.
  func tickPlace(_ tick: Double) -> Double { (tick - range.lowerBound) / (range.upperBound - range.lowerBound) }
  func tickText(_ tick: Double) -> String {
    if isLogarithmic { return "1e\(Int(tick))" }
    // Rounded to what the steps can tell apart.
    let step = values.count > 1 ? values[1] - values[0] : 1
    var digits = 0, unit = 1.0
    while digits < 12, unit > step * 1.001 {
      unit /= 10
      digits += 1
    }
    let scale = Self.power(10, digits), whole = (abs(tick) * scale).rounded()
    guard whole < 1e15 else { return "\(tick)" }
    var text = String(Int(whole))
    if digits > 0 {
      while text.count <= digits { text = "0" + text }
      text.insert(".", at: text.index(text.endIndex, offsetBy: -digits))
    }
    return (tick < 0 && whole > 0 ? "-" : "") + text
  }

  private static func power(_ base: Double, _ exponent: Int) -> Double { (0..<exponent).reduce(1.0) { value, _ in value * base } }
  private static func floorLog(_ value: Double) -> Int { Int(log10(value).rounded(.down)) }
  /// By Swift's own means: the exponent, and a series for the mantissa.
  static func log10(_ value: Double) -> Double {
    guard value > 0, value.isFinite else { return -308 }
    let t = (value.significand - 1) / (value.significand + 1), square = t * t
    var term = t, sum = 0.0
    for n in 0..<20 {
      sum += term / Double(2 * n + 1)
      term *= square
    }
    return (Double(value.exponent) * 0.693147180559945309 + 2 * sum) / 2.302585092994045684
  }
}
