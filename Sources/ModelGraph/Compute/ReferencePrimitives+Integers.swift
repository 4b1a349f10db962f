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
}
