import ComputeBackend
import ModelGraph
import Testing

/// What training adds, held against its definitions on sizes that leave tails.
private let reference = ReferencePrimitives()

private func floats(_ count: Int, _ body: (UnsafeMutablePointer<Float>) -> Void) -> [Float] {
  [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
    if let base = buffer.baseAddress { body(base) }
    initialized = count
  }
}

private func shape(
  batch: Int = 1, _ input: [Int], _ kernel: [Int], strides: [Int], dilations: [Int]? = nil, padding: [Int], after: [Int], inputs: Int,
  outputs: Int
) -> ConvolutionShape {
  let dilations = dilations ?? input.map { _ in 1 }
  let output = input.indices.map { (input[$0] + padding[$0] + after[$0] - (kernel[$0] - 1) * dilations[$0] - 1) / strides[$0] + 1 }
  return ConvolutionShape(
    batch: batch, input: input, kernel: kernel, output: output, strides: strides, dilations: dilations, padding: padding,
    inputChannels: inputs, outputChannels: outputs, groups: 1, layout: .channelsLast, kernelLayout: .spatialInputOutput)
}

@Test func filterGradients() {
  var numbers = Numbers(31)
  let cases = [
    shape(batch: 3, [9, 11], [3, 3], strides: [1, 1], padding: [1, 1], after: [1, 1], inputs: 5, outputs: 37),
    shape(batch: 2, [9, 8], [3, 2], strides: [2, 3], padding: [0, 1], after: [1, 0], inputs: 3, outputs: 16),
    shape([8, 7], [1, 1], strides: [2, 2], padding: [0, 0], after: [0, 0], inputs: 17, outputs: 5),
    shape([10, 9], [3, 3], strides: [1, 1], dilations: [2, 1], padding: [2, 1], after: [2, 1], inputs: 4, outputs: 33),
    shape([10, 9], [3, 3], strides: [1, 1], dilations: [1, 2], padding: [1, 2], after: [1, 2], inputs: 4, outputs: 3),
    shape(batch: 2, [19], [5], strides: [2], padding: [4], after: [0], inputs: 6, outputs: 10),
    shape([4, 5, 6], [2, 3, 3], strides: [1, 2, 1], padding: [1, 1, 1], after: [0, 1, 1], inputs: 3, outputs: 7),
    shape([6, 6], [3, 3], strides: [1, 1], padding: [-1, 0], after: [0, -1], inputs: 9, outputs: 8),
  ]
  for (index, s) in cases.enumerated() {
    let x = numbers.floats(s.batch * s.input.reduce(s.inputChannels, *)), g = numbers.floats(s.batch * s.output.reduce(s.outputChannels, *))
    let count = s.kernel.reduce(s.inputChannels * s.outputChannels, *)
    let expected = floats(count) { reference.filterGradient(s, x, g, $0) }
    withEveryBackend { fast, name in
      expectClose(floats(count) { fast.filterGradient(s, x, g, $0) }, expected, relative: 1e-5, absolute: 2e-4, "\(name) case \(index)")
    }
  }
}

@Test func transposedProducts() {
  var numbers = Numbers(32)
  for (m, n, k) in [(1, 1, 1), (3, 5, 7), (20, 64, 128), (33, 47, 700), (9, 32, 5000), (130, 70, 300)] {
    let a = numbers.floats(m * k), b = numbers.floats(k * n), start = numbers.floats(m * n)
    for beta: Float in [0, 1] {
      func run(_ p: any ComputePrimitives) -> [Float] {
        floats(m * n) { c in
          for i in start.indices { c[i] = start[i] }
          p.gemm(a, b, c, m: m, n: n, k: k, transposeA: true, transposeB: false, alpha: 1, beta: beta)
        }
      }
      let expected = run(reference)
      withEveryBackend { fast, name in
        // Long sums are taken in another order.
        expectClose(run(fast), expected, relative: 1e-5, absolute: 2e-6 * Float(k), "\(name) \(m) × \(n) × \(k), \(beta)")
      }
    }
  }
}

@Test func maximaOnTheWayBack() {
  var numbers = Numbers(33)
  let cases = [
    shape(batch: 3, [8, 6], [2, 2], strides: [2, 2], padding: [0, 0], after: [0, 0], inputs: 21, outputs: 21),
    shape(batch: 2, [7, 7], [3, 3], strides: [2, 1], padding: [1, 1], after: [1, 1], inputs: 5, outputs: 5),
    shape([12], [3], strides: [1], dilations: [2], padding: [2], after: [2], inputs: 16, outputs: 16),
  ]
  for (index, s) in cases.enumerated() {
    let inputs = s.batch * s.input.reduce(s.inputChannels, *), results = s.batch * s.output.reduce(s.inputChannels, *)
    // Few values, so that many are equal.
    let x = numbers.floats(inputs).map { $0.rounded() }, g = numbers.floats(results)
    let y = floats(results) { reference.pool(s, maximum: true, x, $0) }
    let expected = floats(inputs) { reference.maxPoolGradient(s, x, y, g, $0) }
    withEveryBackend { fast, name in
      expectClose(floats(inputs) { fast.maxPoolGradient(s, x, y, g, $0) }, expected, relative: 1e-6, "\(name) case \(index)")
    }
  }
}

@Test func sumsAndBlendsOfColumns() {
  var numbers = Numbers(34)
  for (rows, columns) in [(1, 1), (5, 3), (130, 17), (70, 64), (9000, 33)] {
    let x = numbers.floats(rows * columns), g = numbers.floats(rows * columns), centre = numbers.floats(columns)
    let a = numbers.floats(columns), b = numbers.floats(columns)
    func sums(_ p: any ComputePrimitives, _ hasCentre: Bool, _ hasGradient: Bool) -> [Float] {
      var both = [Double](repeating: 7, count: 2 * columns)
      both.withUnsafeMutableBufferPointer { both in
        guard let to = both.baseAddress else { return }
        centre.withUnsafeBufferPointer { centre in
          g.withUnsafeBufferPointer { g in
            p.columnSums(
              x, centre: hasCentre ? centre.baseAddress : nil, g: hasGradient ? g.baseAddress : nil, rows: rows, columns: columns, to,
              to + columns)
          }
        }
      }
      return both.map { Float($0) }
    }
    withEveryBackend { fast, name in
      for (hasCentre, hasGradient) in [(false, false), (true, false), (true, true)] {
        expectClose(
          sums(fast, hasCentre, hasGradient), sums(reference, hasCentre, hasGradient), relative: 1e-5,
          absolute: 1e-5 * Float(rows).squareRoot(), "\(name) \(rows) × \(columns)")
      }
      expectClose(
        floats(rows * columns) { fast.blendColumns(g, x, a: a, b: b, d: centre, $0, rows: rows, columns: columns) },
        floats(rows * columns) { reference.blendColumns(g, x, a: a, b: b, d: centre, $0, rows: rows, columns: columns) }, "\(name)")
    }
  }
}

@Test func lstmCells() {
  var numbers = Numbers(35)
  for (rows, units) in [(1, 1), (3, 7), (5, 16), (130, 65)] {
    let gates = numbers.floats(rows * units * 4), before = numbers.floats(rows * units), dh = numbers.floats(rows * units)
    let dc = numbers.floats(rows * units), count = rows * units
    func run(_ p: any ComputePrimitives) -> [Float] {
      var gates = gates, cells = before, hidden = before, slope = dc, dz = gates
      p.lstmCell(&gates, before: before, &cells, &hidden, rows: rows, units: units)
      p.lstmCellGradient(gates, before: before, cells, dh: dh, dc: &slope, dz: &dz, rows: rows, units: units)
      return gates + cells + hidden + slope + dz
    }
    let expected = run(reference)
    #expect(expected.count == 11 * count)
    withEveryBackend { fast, name in expectClose(run(fast), expected, relative: 4e-6, absolute: 1e-6, "\(name) \(rows) × \(units)") }
  }
}

@Test func philoxNumbers() {
  for counter: (UInt64, UInt64) in [(0, 0), (5, 9), (.max - 3, 1), (.max, .max)] {
    for blocks in [1, 2, 17, 5000] {
      func run(_ p: any ComputePrimitives) -> [UInt32] {
        [UInt32](unsafeUninitializedCapacity: blocks * 4) { buffer, initialized in
          if let base = buffer.baseAddress { p.philox(key: 0x0123_4567_89AB_CDEF, counter: counter, base, blocks: blocks) }
          initialized = blocks * 4
        }
      }
      let expected = run(reference)
      withEveryBackend { fast, name in #expect(run(fast) == expected, "\(name) \(counter), \(blocks) blocks") }
    }
  }
}
