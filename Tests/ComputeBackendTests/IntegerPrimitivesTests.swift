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

  @Test func requantisationInDoubleIsExact() {
    withEveryBackend { fast, name in
      var numbers = Numbers(12)
      for columns in [1, 7, 33] {
        let rows = 4
        // The first product is a half less one bit, the second a half, the third beyond what an integer holds.
        let sums = [1, -1, .max] + integers(rows * columns - 3, &numbers, 5e5).map { Int32($0) }
        let bias = [Int32](repeating: 0, count: columns)
        let factors = (0..<columns).map { [(0.5).nextDown, 0.5, 1e3, 0.013][$0 % 4] }
        var found = sums, expected = sums
        fast.requantize(&found, rows: rows, columns: columns, bias: bias, factor: factors, zero: -7, range: -128...1_000_000)
        ReferencePrimitives().requantize(
          &expected, rows: rows, columns: columns, bias: bias, factor: factors, zero: -7, range: -128...1_000_000)
        #expect(found == expected, "\(name) \(columns) columns")
      }
    }
  }

  @Test func gatesAreExactForEveryNumber() {
    // And some more, so that the last vector is not whole.
    let numbers = Array(Int16.min...Int16.max) + [5, -5, 0]
    for (tanh, bits) in [(true, 0), (true, 3), (true, 6), (false, 3), (false, 6)] {
      var expected = numbers
      ReferencePrimitives().gates(&expected, count: expected.count, integerBits: bits, tanh: tanh)
      withEveryBackend { fast, name in
        var found = numbers
        fast.gates(&found, count: found.count, integerBits: bits, tanh: tanh)
        #expect(found == expected, "\(name) \(tanh ? "tanh" : "logistic") of \(bits) integer bits")
      }
    }
  }

  @Test func rowsAreQuantisedExactly() {
    withEveryBackend { fast, name in
      var numbers = Numbers(14)
      for count in [1, 7, 8, 61] {
        var x = numbers.floats(count)
        x[0] = 2.5
        if count > 7 { (x[1], x[2], x[3], x[4], x[5], x[6]) = (-2.5, .nan, .infinity, -.infinity, 0.49999997, -0.49999997) }
        let range = fast.rangeWithZero(x, count: count), expectedRange = ReferencePrimitives().rangeWithZero(x, count: count)
        #expect(range == expectedRange, "\(name) \(count) numbers")
        for (inverse, nudge, least) in [(Float(1), Float(0), Int8(-127)), (93.7, -11, -128), (0, 3, -128)] {
          var found = [Int8](repeating: 0, count: count), expected = found
          fast.quantize(x, &found, count: count, inverse: inverse, nudge: nudge, least: least)
          ReferencePrimitives().quantize(x, &expected, count: count, inverse: inverse, nudge: nudge, least: least)
          #expect(found == expected, "\(name) \(count) numbers by \(inverse)")
        }
      }
    }
  }

  @Test func convolutionsOfStoredIntegersAreExact() {
    withEveryBackend { fast, name in
      var numbers = Numbers(13)
      for (kernel, strides, groups, inputs, outputs) in [
        ([1, 1], [1, 1], 1, 17, 40), ([3, 3], [2, 1], 1, 3, 33), ([3, 3], [1, 1], 24, 24, 24), ([5, 5], [2, 2], 9, 9, 9),
        ([2, 3], [1, 2], 2, 6, 10), ([7, 1], [1, 1], 40, 40, 40), ([1, 1], [1, 1], 2, 16, 90), ([3, 3], [1, 1], 70, 70, 70),
        ([3, 3], [2, 2], 131, 131, 131),
      ] {
        // Shifts to the right alone, and weights of 8 bits: what most models have, and products of bytes take.
        for (kind, plain) in IntegerKind.allCases.flatMap({ [($0, true), ($0, false)] }) {
          let shape = ConvolutionShape(
            batch: 2, input: [9, 11], kernel: kernel, output: [8 / strides[0], 10 / strides[1]], strides: strides, dilations: [1, 1],
            padding: [1, 1], inputChannels: inputs, outputChannels: outputs, groups: groups, layout: .channelsLast,
            kernelLayout: .spatialOutputInput)
          let bytes = integers(2 * 99 * inputs * 2, &numbers, 60).map { UInt8(truncatingIfNeeded: Int($0)) }
          let w = integers(kernel[0] * kernel[1] * inputs / groups * outputs, &numbers, plain ? 90 : 200).map {
            plain ? min(max(Int16($0), -128), 127) : Int16($0)
          }
          let bias = integers(outputs, &numbers, 900).map { Int32($0) }
          let factor = integers(outputs, &numbers, 2e8).map { Int32(1 << 30) + Int32(abs($0)) }
          let left: [Int32] = (0..<outputs).map { !plain && $0 % 5 == 0 ? 1 : 0 }
          let right: [Int32] = (0..<outputs).map { channel in
            if plain { return Int32(1 + channel % 11) }
            return channel % 5 == 0 ? 0 : Int32(channel % 11)
          }
          let count = 2 * shape.output[0] * shape.output[1] * outputs * 2
          var found = [UInt8](repeating: 0, count: count), expected = found
          let bounds: ClosedRange<Int32> = kind == .uint8 ? 0...255 : kind == .int8 ? -128...127 : -32768...32767
          func run(_ primitives: some ComputePrimitives, _ y: inout [UInt8]) {
            bias.withUnsafeBufferPointer { b in
              factor.withUnsafeBufferPointer { f in
                left.withUnsafeBufferPointer { l in
                  right.withUnsafeBufferPointer { r in
                    bytes.withUnsafeBytes { x in
                      y.withUnsafeMutableBytes { y in
                        guard let b = b.baseAddress, let f = f.baseAddress, let l = l.baseAddress, let r = r.baseAddress,
                          let x = x.baseAddress, let y = y.baseAddress
                        else { return }
                        primitives.convolve(
                          shape, StoredIntegers(x, kind, zero: kind == .int16 ? 0 : 5), w,
                          Requantization(bias: b, factor: f, left: l, right: r, zero: 3, range: bounds), StoredResults(y, kind), cache: nil)
                      }
                    }
                  }
                }
              }
            }
          }
          run(fast, &found)
          run(ReferencePrimitives(), &expected)
          #expect(found == expected, "\(name) \(kind) \(kernel) \(groups) groups, plain: \(plain)")
          #expect(Set(found).count > 8)
          var sums = [Int32](repeating: 0, count: count / 2), expectedSums = sums
          bytes.withUnsafeBytes { x in
            guard let x = x.baseAddress else { return }
            let stored = StoredIntegers(x, kind, zero: kind == .int16 ? 0 : 5)
            fast.convolve(shape, stored, w, sums: &sums, cache: nil)
            ReferencePrimitives().convolve(shape, stored, w, sums: &expectedSums, cache: nil)
          }
          #expect(sums == expectedSums, "\(name) sums of \(kind) \(kernel) \(groups) groups")
          #expect(Set(sums).count > 8)
        }
      }
    }
  }

  @Test func combinationsAreExact() {
    withEveryBackend { fast, name in
      var numbers = Numbers(17)
      for function in [IntegerCombination.Function.add, .sub, .mul] {
        for (kind, zero) in [(IntegerKind.int8, Int32(-7)), (.uint8, 120), (.int16, 0)] {
          for (aStep, bStep) in [(1, 1), (0, 1), (1, 0)] {
            let count = 301
            let a = integers(2 * count, &numbers, 60).map { UInt8(truncatingIfNeeded: Int($0)) }
            let b = integers(2 * count, &numbers, 60).map { UInt8(truncatingIfNeeded: Int($0)) }
            var scheme = IntegerCombination(
              function, left: 0, result: IntegerFactor(1_500_000_000, right: function == .mul ? (kind == .int16 ? 20 : 6) : 18), zero: 2,
              range: kind == .uint8 ? 0...255 : kind == .int8 ? -128...127 : -32768...32767)
            scheme.first = kind == .int16 ? 15 : 20
            scheme.a = IntegerFactor(1_200_000_000, right: 1)
            scheme.b = IntegerFactor(2_000_000_000, right: 0)
            var found = [UInt8](repeating: 0, count: 2 * count), expected = found
            func run(_ primitives: some ComputePrimitives, _ y: inout [UInt8]) {
              a.withUnsafeBytes { a in
                b.withUnsafeBytes { b in
                  y.withUnsafeMutableBytes { y in
                    guard let a = a.baseAddress, let b = b.baseAddress, let y = y.baseAddress else { return }
                    primitives.combine(
                      scheme, StoredIntegers(a, kind, zero: zero), StoredIntegers(b, kind, zero: zero), StoredResults(y, kind), offset: 0,
                      count: count, aStart: 0, bStart: 0, aStep: aStep, bStep: bStep)
                  }
                }
              }
            }
            run(fast, &found)
            run(ReferencePrimitives(), &expected)
            #expect(found == expected, "\(name) \(function) \(kind) \(aStep) \(bStep)")
            #expect(Set(found).count > 1)
          }
        }
      }
    }
  }
}
