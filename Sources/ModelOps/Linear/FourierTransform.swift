import RealModule

/// The discrete Fourier transform `X[k] = Σ x[n] e^(∓2πikn/N)` of one line, in double precision: by halving for
/// powers of two, by Bluestein's chirp for other lengths, so in `O(N log N)` for any.
struct FourierTransform {
  let length: Int
  private let inverse: Bool
  /// For Bluestein: the padded length, the chirp, and the transformed filter.
  private var padded = 0
  private var chirp: [(Double, Double)] = []
  private var filter: [(Double, Double)] = []
  private var twiddles: [(Double, Double)] = []

  init(length: Int, inverse: Bool) {
    self.length = length
    self.inverse = inverse
    guard length > 1 else { return }
    if length & (length - 1) == 0 {
      twiddles = Self.roots(length)
      return
    }
    padded = 1
    while padded < 2 * length - 1 { padded *= 2 }
    twiddles = Self.roots(padded)
    let sign = inverse ? 1.0 : -1.0
    chirp = (0..<length).map { n in
      // n² modulo 2N keeps the angle exact for long lines.
      let (high, low) = n.multipliedFullWidth(by: n)
      let square = (2 * length).dividingFullWidth((high, low)).remainder
      let angle = sign * Double.pi * Double(square) / Double(length)
      return (Double.cos(angle), Double.sin(angle))
    }
    filter = Array(repeating: (0, 0), count: padded)
    for n in 0..<length {
      let value = (chirp[n].0, -chirp[n].1)
      filter[n] = value
      if n > 0 { filter[padded - n] = value }
    }
    Self.transform(&filter, twiddles, conjugate: false)
  }

  private static func roots(_ n: Int) -> [(Double, Double)] {
    (0..<(n / 2)).map { k in
      let angle = -2 * Double.pi * Double(k) / Double(n)
      return (Double.cos(angle), Double.sin(angle))
    }
  }

  /// The transform of `x`, divided by the length when inverse.
  func callAsFunction(_ x: [(Double, Double)]) -> [(Double, Double)] {
    guard length > 1 else { return x }
    var y: [(Double, Double)]
    if padded == 0 {
      y = x
      Self.transform(&y, twiddles, conjugate: inverse)
    } else {
      var a = [(Double, Double)](repeating: (0, 0), count: padded)
      for n in 0..<length { a[n] = multiply(x[n], chirp[n]) }
      Self.transform(&a, twiddles, conjugate: false)
      for i in 0..<padded { a[i] = multiply(a[i], filter[i]) }
      Self.transform(&a, twiddles, conjugate: true)
      let scale = 1 / Double(padded)
      y = (0..<length).map { k in
        let value = multiply(a[k], chirp[k])
        return (value.0 * scale, value.1 * scale)
      }
    }
    if inverse { for i in y.indices { y[i] = (y[i].0 / Double(length), y[i].1 / Double(length)) } }
    return y
  }

  /// In place, for a power of two.
  private static func transform(_ x: inout [(Double, Double)], _ roots: [(Double, Double)], conjugate: Bool) {
    let n = x.count
    var j = 0
    for i in 1..<n {
      var bit = n >> 1
      while j & bit != 0 {
        j ^= bit
        bit >>= 1
      }
      j |= bit
      if i < j { x.swapAt(i, j) }
    }
    var size = 2
    while size <= n {
      let half = size / 2, step = n / size
      for start in stride(from: 0, to: n, by: size) {
        for k in 0..<half {
          var root = roots[k * step]
          if conjugate { root.1 = -root.1 }
          let a = x[start + k], b = multiply(x[start + k + half], root)
          x[start + k] = (a.0 + b.0, a.1 + b.1)
          x[start + k + half] = (a.0 - b.0, a.1 - b.1)
        }
      }
      size *= 2
    }
  }
}

private func multiply(_ a: (Double, Double), _ b: (Double, Double)) -> (Double, Double) {
  (a.0 * b.0 - a.1 * b.1, a.0 * b.1 + a.1 * b.0)
}
