import CKernels
import ComputeBackend
import ModelGraph
import Testing

/// Integer loops equal their definitions, whatever the instruction set.
@Suite struct IntegerPrimitivesTests {
  private func integers(_ count: Int, _ numbers: inout Numbers, _ scale: Float) -> [Float] { numbers.floats(count).map { $0 * scale } }

  @Test func productsAreExact() {
    withEveryBackend { fast, name in
      var numbers = Numbers(7)
      for (m, n, k, stride) in [(1, 1, 1, 1), (3, 5, 37, 40), (7, 4, 256, 300), (2, 9, 611, 611)] {
        let a = integers(m * stride, &numbers, 16000).map { Int16($0) }, b = integers(n * stride, &numbers, 120).map { Int16($0) }
        var found = [Int32](repeating: 1, count: m * n), expected = found
        fast.gemm(a, b, &found, m: m, n: n, k: k, stride: stride)
        ReferencePrimitives().gemm(a, b, &expected, m: m, n: n, k: k, stride: stride)
        #expect(found == expected, "\(name) \(m)×\(n)×\(k)")
        var sums = Array(repeating: Int32(3), count: m * stride), expectedSums = sums
        fast.accumulate(a, a, &sums, count: sums.count)
        ReferencePrimitives().accumulate(a, a, &expectedSums, count: sums.count)
        #expect(sums == expectedSums, "\(name) sums of \(m * stride)")
      }
    }
  }

  @Test func requantisationIsExact() {
    withEveryBackend { fast, name in
      var numbers = Numbers(11)
      for columns in [1, 7, 16, 33] {
        let rows = 5
        let sums = integers(rows * columns, &numbers, 5e8).map { Int32($0) } + [.min, .max, 0]
        let bias = integers(columns, &numbers, 9000).map { Int32($0) }
        let factor = integers(columns, &numbers, 2e8).map { Int32(1 << 30) + Int32(abs($0)) }
        let left = (0..<columns).map { Int32($0 % 3) }, right = (0..<columns).map { Int32($0 % 32) }
        var found = sums, expected = sums
        bias.withUnsafeBufferPointer { bias in
          factor.withUnsafeBufferPointer { factor in
            left.withUnsafeBufferPointer { left in
              right.withUnsafeBufferPointer { right in
                guard let b = bias.baseAddress, let f = factor.baseAddress, let l = left.baseAddress, let r = right.baseAddress
                else { return }
                let scheme = Requantization(bias: b, factor: f, left: l, right: r, zero: -7, range: -100...27000)
                fast.requantize(&found, rows: rows, columns: columns, scheme)
                ReferencePrimitives().requantize(&expected, rows: rows, columns: columns, scheme)
              }
            }
          }
        }
        #expect(found == expected, "\(name) \(columns) columns")
      }
    }
  }
}
