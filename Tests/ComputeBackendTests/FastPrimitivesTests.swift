import ComputeBackend
import ModelGraph
import Testing

/// The fast primitives are held against their definitions, on sizes that leave tails. Not tested here: sizes
/// beyond some thousands of elements.
private let reference = ReferencePrimitives()

private func result(_ count: Int, _ body: (UnsafeMutablePointer<Float>) -> Void) -> [Float] {
  [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
    if let base = buffer.baseAddress { body(base) }
    initialized = count
  }
}

@Test func unaryFunctions() {
  var numbers = Numbers(1)
  let plain: [Float] = numbers.floats(301)
  let special: [Float] = [
    0, -0.0, .infinity, -.infinity, .nan, 1, -1, 1e-30, -1e-30, Float(bitPattern: 0x116C2), 88.72, 89, -87.3, -100, -103.9, -110, 20, -20,
    0.625, -0.625,
    0.93, 3.9, 4.1, -4.1, 1e30, -1e30, .greatestFiniteMagnitude, .leastNonzeroMagnitude, 5, -5, 9, -9,
  ]
  withEveryBackend { fast, name in
    for function in UnaryFunction.allCases {
      for count in [1, 3, 17, 301] {
        let x = Array(plain.prefix(count)).map { $0 * 4 }
        expectClose(
          result(count) { fast.unary(function, x, $0, count: count) }, x.map { function($0) }, relative: 1e-6, absolute: 4e-7,
          "\(name) \(function)")
      }
      let x = special
      expectClose(
        result(x.count) { fast.unary(function, x, $0, count: x.count) }, x.map { function($0) }, relative: 1e-6, absolute: 1e-37,
        "\(name) \(function) of special values")
    }
  }
}

@Test func binaryFunctions() {
  var numbers = Numbers(2)
  let a = numbers.floats(400) + [.nan, 1, .infinity, -.infinity, 0], b = numbers.floats(400) + [1, .nan, 1, .infinity, -0.0]
  withEveryBackend { fast, name in
    for function in BinaryFunction.allCases {
      for (aScalar, bScalar) in [(false, false), (true, false), (false, true), (true, true)] {
        let expected = result(405) { reference.binary(function, a, b, $0, count: 405, aIsScalar: aScalar, bIsScalar: bScalar) }
        let found = result(405) { fast.binary(function, a, b, $0, count: 405, aIsScalar: aScalar, bIsScalar: bScalar) }
        expectClose(found, expected, relative: 0, absolute: 0, "\(name) \(function)")
      }
      for (aRow, bRow, aStep, bStep) in [(19, 0, 1, 1), (0, 19, 1, 1), (19, 1, 1, 0), (1, 19, 0, 1)] {
        func run(_ p: any ComputePrimitives) -> [Float] {
          result(19 * 21) { p.binary(function, a, b, $0, rows: 21, count: 19, aRow: aRow, bRow: bRow, aStep: aStep, bStep: bStep) }
        }
        expectClose(run(fast), run(reference), relative: 0, absolute: 0, "\(name) \(function) of rows")
      }
    }
  }
}

@Test func rows() {
  var numbers = Numbers(3)
  let x = numbers.floats(23 * 37 * 5), scale = numbers.floats(200), shift = numbers.floats(200)
  withEveryBackend { fast, name in
    for (outer, count) in [(1, 1), (3, 7), (23, 37), (37, 115), (2, 1600)] {
      for log in [false, true] {
        expectClose(
          result(outer * count) { fast.softmax(x, $0, rows: outer, count: count, log: log) },
          result(outer * count) { reference.softmax(x, $0, rows: outer, count: count, log: log) }, "\(name) softmax of \(count)")
      }
      if count <= 200 {
        for (s, b) in [(true, true), (true, false), (false, false)] {
          func run(_ p: any ComputePrimitives) -> [Float] {
            result(outer * count) {
              p.normalize(
                x, scale: s ? scale.withUnsafeBufferPointer { $0.baseAddress } : nil,
                shift: b ? shift.withUnsafeBufferPointer { $0.baseAddress } : nil, $0, rows: outer, count: count, epsilon: 1e-3)
            }
          }
          expectClose(run(fast), run(reference), relative: 1e-5, absolute: 1e-5, "\(name) normalize \(count)")
        }
      }
    }
    for (outer, count, inner) in [(1, 1, 1), (3, 37, 1), (5, 37, 23), (23, 5, 37), (1, 4000, 1), (4, 300, 3), (2, 0, 3)] {
      for function in ReductionFunction.allCases {
        expectClose(
          result(outer * inner) { fast.reduce(function, x, $0, outer: outer, count: count, inner: inner) },
          result(outer * inner) { reference.reduce(function, x, $0, outer: outer, count: count, inner: inner) }, absolute: 1e-4,
          "\(name) \(function) of \(count)")
      }
    }
    for (outer, channels, inner) in [(3, 37, 1), (5, 37, 23), (7, 1, 5)] {
      expectClose(
        result(outer * channels * inner) {
          fast.scaleShift(x, scale: scale, shift: shift, $0, outer: outer, channels: channels, inner: inner)
        },
        result(outer * channels * inner) {
          reference.scaleShift(x, scale: scale, shift: shift, $0, outer: outer, channels: channels, inner: inner)
        },
        "\(name) scaleShift")
    }
    let bits = x.map(\.bitPattern)
    for (batch, rows, columns) in [(1, 37, 115), (5, 23, 37), (1, 1, 9)] {
      var a = [UInt32](repeating: 0, count: batch * rows * columns), b = a
      fast.transpose(bits, &a, batch: batch, rows: rows, columns: columns)
      reference.transpose(bits, &b, batch: batch, rows: rows, columns: columns)
      #expect(a == b)
    }
  }
}

@Test func products() {
  var numbers = Numbers(4)
  let a = numbers.floats(70 * 300), b = numbers.floats(300 * 150), start = numbers.floats(70 * 150)
  withEveryBackend { fast, name in
    for (m, n, k) in [(1, 1, 1), (1, 37, 19), (2, 5, 300), (7, 33, 20), (13, 64, 31), (70, 150, 300), (9, 3, 2), (40, 1, 17), (3, 150, 0)] {
      for ta in [false, true] {
        for tb in [false, true] {
          for (alpha, beta) in [(1, 0), (1, 1), (0.5, 2)] as [(Float, Float)] {
            func run(_ p: any ComputePrimitives) -> [Float] {
              var c = Array(start.prefix(m * n))
              p.gemm(a, b, &c, m: m, n: n, k: k, transposeA: ta, transposeB: tb, alpha: alpha, beta: beta)
              return c
            }
            expectClose(run(fast), run(reference), relative: 1e-5, absolute: 2e-4, "\(name) gemm \(m)x\(n)x\(k) \(ta) \(tb)")
          }
        }
      }
      for tb in [false, true] {
        let cache = NodeCache()
        for pass in 0..<3 {
          let scale = Array(start.prefix(n)), shift = Array(start.suffix(n)), residual = Array(start.prefix(m * n))
          func run(_ p: any ComputePrimitives, _ cache: NodeCache?) -> [Float] {
            scale.withUnsafeBufferPointer { scale in
              shift.withUnsafeBufferPointer { shift in
                residual.withUnsafeBufferPointer { residual in
                  let e = Epilogue(
                    scale: scale.baseAddress, shift: pass == 0 ? nil : shift.baseAddress, residual: residual.baseAddress, activation: .relu)
                  return result(m * n) { p.gemm(a, b, $0, m: m, n: n, k: k, transposeB: tb, e, cache: cache) }
                }
              }
            }
          }
          expectClose(
            run(fast, pass == 0 ? nil : cache), run(reference, nil), relative: 1e-5, absolute: 4e-4,
            "\(name) gemm with epilogue \(m)x\(n)x\(k)")
        }
      }
    }
    let da = a.map(Double.init), db = b.map(Double.init)
    var x = [Double](repeating: 0, count: 13 * 33), y = x
    fast.gemm(da, db, &x, m: 13, n: 33, k: 31, transposeA: false, transposeB: true, alpha: 1, beta: 0)
    reference.gemm(da, db, &y, m: 13, n: 33, k: 31, transposeA: false, transposeB: true, alpha: 1, beta: 0)
    #expect(zip(x, y).allSatisfy { abs($0 - $1) < 1e-9 })
    let ia = a.map { Int32($0 * 100) }, ib = b.map { Int32($0 * 100) }
    var i = [Int32](repeating: 0, count: 13 * 33), j = i
    fast.gemm(ia, ib, &i, m: 13, n: 33, k: 31)
    reference.gemm(ia, ib, &j, m: 13, n: 33, k: 31)
    #expect(i == j)
  }
}

@Test func loopsCoverEverythingOnce() {
  let fast = FastPrimitives(threads: 4)
  for (count, grain) in [(0, 1), (1, 1), (1000, 7), (10, 100)] {
    let counts = UnsafeMutablePointer<Int32>.allocate(capacity: max(1, count))
    counts.initialize(repeating: 0, count: count)
    nonisolated(unsafe) let places = counts
    fast.parallel(count, grain: grain) { part in
      // A loop inside a loop runs on the same thread.
      fast.parallel(part.count, grain: 1) { inner in for i in inner { places[part.lowerBound + i] += 1 } }
    }
    #expect((0..<count).allSatisfy { counts[$0] == 1 })
    counts.deallocate()
  }
}
