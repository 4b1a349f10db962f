import ModelTensor

/// By how much the worst element leaves |a − e| ≤ absolute + relative · |e|: not above zero when all agree. Infinite where just one
/// side is NaN, or the counts differ.
public func worstExcess(_ results: [Double], _ expected: [Double], absolute: Double, relative: Double) -> Double {
  guard results.count == expected.count else { return .infinity }
  var worst = -absolute
  for (a, e) in zip(results, expected) where a != e && !(a.isNaN && e.isNaN) {
    let excess = abs(a - e) - absolute - relative * abs(e)
    worst = excess.isNaN ? .infinity : max(worst, excess)
  }
  return worst
}

public func worstExcess(_ results: NDArray, _ expected: NDArray, absolute: Double = 1e-5, relative: Double = 1e-4) -> Double {
  worstExcess(results.doubles(), expected.doubles(), absolute: absolute, relative: relative)
}
