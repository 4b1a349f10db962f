import ComputeBackend
import ModelGraph
import Testing

/// The largest relative difference from sums of doubles.
private func error(_ found: [Float], _ exact: [Double]) -> Double {
  zip(found, exact).map { abs(Double($0) - $1) / abs($1) }.max() ?? .infinity
}

/// Sums of thousands of products of one sign are right to the last place but one, which plain ones are not.
@Test func compensatedProducts() {
  let (m, n, k) = (7, 37, 4099)
  var numbers = Numbers(3)
  let a = numbers.floats(m * k).map { $0 + 2.01 }, b = numbers.floats(k * n).map { $0 + 2.01 }
  for transposed in [false, true] {
    var exact = [Double](repeating: 0, count: m * n)
    for i in 0..<m {
      for j in 0..<n { for p in 0..<k { exact[i * n + j] += Double(a[i * k + p]) * Double(b[transposed ? j * k + p : p * n + j]) } }
    }
    func run(_ p: FastPrimitives, _ cache: NodeCache?) -> Double {
      var c = [Float](repeating: 0, count: m * n)
      if let cache {
        p.gemm(a, b, &c, m: m, n: n, k: k, transposeB: transposed, Epilogue(), cache: cache)
      } else {
        p.gemm(a, b, &c, m: m, n: n, k: k, transposeA: false, transposeB: transposed, alpha: 1, beta: 0)
      }
      return error(c, exact)
    }
    withEveryBackend { fast, name in
      let exactly = FastPrimitives(threads: fast.threads, compensates: true)
      #expect(run(exactly, nil) < 1.2e-7, "\(name)")
      #expect(run(exactly, NodeCache()) < 1.2e-7, "\(name)")
      #expect(run(fast, NodeCache()) > 2e-7, "\(name)")
    }
  }
}

@Test func compensatedConvolutions() {
  let (inputs, outputs) = (130, 19)
  var numbers = Numbers(4)
  let x = numbers.floats(6 * 7 * inputs).map { $0 + 2.01 }, w = numbers.floats(9 * inputs * outputs).map { $0 + 2.01 }
  for layout in [DataLayout.channelsLast, .channelsFirst] {
    let s = ConvolutionShape(
      batch: 1, input: [6, 7], kernel: [3, 3], output: [4, 5], strides: [1, 1], dilations: [1, 1], padding: [0, 0],
      inputChannels: inputs, outputChannels: outputs, groups: 1, layout: layout, kernelLayout: .spatialInputOutput)
    var exact = [Double](repeating: 0, count: 20 * outputs)
    for place in 0..<20 {
      for o in 0..<outputs {
        var sum = 0.0
        for tap in 0..<9 {
          let from = (place / 5 + tap / 3) * 7 + place % 5 + tap % 3
          for i in 0..<inputs {
            sum += Double(x[layout == .channelsLast ? from * inputs + i : i * 42 + from]) * Double(w[(tap * inputs + i) * outputs + o])
          }
        }
        exact[layout == .channelsLast ? place * outputs + o : o * 20 + place] = sum
      }
    }
    func run(_ p: FastPrimitives) -> Double {
      var y = [Float](repeating: 0, count: exact.count)
      p.convolve(s, x, w, Epilogue(), &y, cache: nil)
      return error(y, exact)
    }
    withEveryBackend { fast, name in
      #expect(run(FastPrimitives(threads: fast.threads, compensates: true)) < 1.2e-7, "\(name) \(layout)")
      #expect(run(fast) > 1.5e-7, "\(name) \(layout)")
    }
  }
}
