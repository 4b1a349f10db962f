extension ComputePrimitives {
  public func gemm(
    _ a: UnsafePointer<Int16>, _ b: UnsafePointer<Int16>, _ c: UnsafeMutablePointer<Int32>, m: Int, n: Int, k: Int, stride: Int
  ) {
    for i in 0..<m {
      for j in 0..<n {
        let x = a + i * stride, w = b + j * stride
        var sum: Int32 = 0
        for p in 0..<k { sum &+= Int32(x[p]) &* Int32(w[p]) }
        c[i * n + j] = sum
      }
    }
  }

  public func accumulate(_ x: UnsafePointer<Int16>, _ w: UnsafePointer<Int16>, _ sums: UnsafeMutablePointer<Int32>, count: Int) {
    for c in 0..<count { sums[c] &+= Int32(x[c]) &* Int32(w[c]) }
  }

  public func requantize(_ sums: UnsafeMutablePointer<Int32>, rows: Int, columns: Int, _ scheme: Requantization) {
    for r in 0..<rows {
      for c in 0..<columns {
        let at = r * columns + c, right = scheme.right[c]
        let sum = (sums[at] &+ scheme.bias[c]) &<< scheme.left[c]
        let high = Int32(truncatingIfNeeded: (Int64(sum) * Int64(scheme.factor[c]) + (1 << 30)) >> 31)
        let mask = Int32(truncatingIfNeeded: (Int64(1) << Int64(right)) - 1), threshold = (mask >> 1) + (high < 0 ? 1 : 0)
        let rounded = (high >> right) &+ (high & mask > threshold ? 1 : 0) &+ scheme.zero
        sums[at] = min(max(rounded, scheme.range.lowerBound), scheme.range.upperBound)
      }
    }
  }

  public func requantize(
    _ sums: UnsafeMutablePointer<Int32>, rows: Int, columns: Int, bias: UnsafePointer<Int32>, factor: UnsafePointer<Double>, zero: Int32,
    range: ClosedRange<Int32>
  ) {
    for i in 0..<(rows * columns) {
      let product = (Double(sums[i] &+ bias[i % columns]) * factor[i % columns]).rounded(.toNearestOrAwayFromZero)
      let bounded = product > -0x1p31 ? min(product, 0x1p31 - 1) : -0x1p31
      let whole = Int32(bounded) &+ zero
      sums[i] = min(max(whole, range.lowerBound), range.upperBound)
    }
  }

  public func gates(_ x: UnsafeMutablePointer<Int16>, count: Int, integerBits: Int, tanh: Bool) {
    for i in 0..<count {
      let value = FixedPoint16(x[i], integerBits: integerBits)
      x[i] = tanh ? value.tanh : value.logistic
    }
  }

  public func rangeWithZero(_ x: UnsafePointer<Float>, count: Int) -> (low: Float, high: Float) {
    var low: Float = 0, high: Float = 0
    for i in 0..<count {
      if x[i] < low { low = x[i] }
      if x[i] > high { high = x[i] }
    }
    return (low, high)
  }

  public func quantize(
    _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Int8>, count: Int, inverse: Float, nudge: Float, least: Int8
  ) {
    for i in 0..<count {
      let value = (nudge + x[i] * inverse).rounded(.toNearestOrAwayFromZero)
      y[i] = value.isNaN ? least : Int8(max(Float(least), min(127, value)))
    }
  }
}
