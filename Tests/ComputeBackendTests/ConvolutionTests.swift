import ComputeBackend
import ModelGraph
import Testing

/// Convolutions and windows of one to three axes in both layouts and all arrangements of weights.
private struct Case {
  var input: [Int], kernel: [Int]
  var strides: [Int]? = nil, dilations: [Int]? = nil, before: [Int]? = nil, after: [Int]? = nil
  var inputs: Int, outputs: Int
  var groups = 1, batch = 1

  func shape(_ layout: DataLayout, _ kernelLayout: KernelLayout) -> ConvolutionShape {
    let ones = input.map { _ in 1 }, zeros = input.map { _ in 0 }
    let strides = self.strides ?? ones, dilations = self.dilations ?? ones, before = self.before ?? zeros, after = self.after ?? zeros
    let output = input.indices.map {
      (input[$0] + before[$0] + after[$0] - (kernel[$0] - 1) * dilations[$0] - 1) / strides[$0] + 1
    }
    return ConvolutionShape(
      batch: batch, input: input, kernel: kernel, output: output, strides: strides, dilations: dilations, padding: before,
      inputChannels: inputs, outputChannels: outputs, groups: groups, layout: layout, kernelLayout: kernelLayout)
  }
}

private let cases: [Case] = [
  Case(input: [5, 7], kernel: [1, 1], inputs: 9, outputs: 37, batch: 2),
  Case(input: [9, 7], kernel: [3, 3], before: [1, 1], after: [1, 1], inputs: 20, outputs: 33),
  Case(input: [9, 11], kernel: [3, 3], strides: [2, 2], before: [0, 0], after: [1, 1], inputs: 3, outputs: 17, batch: 2),
  Case(input: [12, 10], kernel: [7, 5], strides: [2, 1], before: [3, 2], after: [3, 2], inputs: 3, outputs: 8),
  Case(input: [13, 12], kernel: [3, 2], dilations: [2, 3], before: [2, 1], after: [2, 2], inputs: 18, outputs: 5),
  Case(input: [8, 9], kernel: [3, 3], before: [1, 1], after: [1, 1], inputs: 12, outputs: 18, groups: 3, batch: 2),
  Case(input: [11, 19], kernel: [3, 3], before: [1, 1], after: [1, 1], inputs: 21, outputs: 21, groups: 21, batch: 2),
  Case(input: [11, 20], kernel: [5, 5], strides: [2, 2], before: [1, 2], after: [2, 2], inputs: 35, outputs: 35, groups: 35),
  Case(
    input: [10, 21], kernel: [3, 3], strides: [1, 3], dilations: [2, 2], before: [2, 1], after: [2, 4], inputs: 5, outputs: 5, groups: 5),
  Case(input: [6, 6], kernel: [3, 3], before: [1, 1], after: [1, 1], inputs: 4, outputs: 8, groups: 4),
  Case(input: [40], kernel: [5], strides: [2], before: [4], after: [0], inputs: 6, outputs: 10, batch: 3),
  Case(input: [30], kernel: [4], dilations: [3], inputs: 2, outputs: 3),
  Case(input: [4, 5, 6], kernel: [2, 3, 3], strides: [1, 2, 1], before: [1, 1, 1], after: [0, 1, 1], inputs: 5, outputs: 7),
  Case(input: [4, 5, 17], kernel: [2, 3, 3], before: [1, 1, 1], after: [0, 1, 1], inputs: 7, outputs: 7, groups: 7),
  Case(input: [9, 9], kernel: [3, 3], before: [-1, 0], after: [0, -1], inputs: 17, outputs: 5),
  Case(input: [9, 9], kernel: [3, 3], before: [0, -2], after: [0, 0], inputs: 6, outputs: 6, groups: 6),
  // More taps than pointers are kept for; its long sums get a larger tolerance below.
  Case(input: [700], kernel: [600], before: [20], after: [0], inputs: 18, outputs: 4),
  Case(input: [16, 16], kernel: [3, 3], before: [1, 1], after: [1, 1], inputs: 64, outputs: 72),
]

@Test func convolutions() {
  var numbers = Numbers(5)
  for (index, test) in cases.enumerated() {
    for layout in [DataLayout.channelsLast, .channelsFirst] {
      for kernelLayout in [KernelLayout.spatialInputOutput, .outputInputSpatial, .spatialOutputInput] {
        let s = test.shape(layout, kernelLayout)
        let tolerance: Float = s.kernel.reduce(1, *) > 500 ? 4e-3 : 5e-4
        let pixels = s.batch * s.output.reduce(1, *), taps = s.kernel.reduce(1, *)
        let x = numbers.floats(s.batch * s.input.reduce(1, *) * s.inputChannels)
        let w = numbers.floats(taps * s.inputChannels / s.groups * s.outputChannels)
        let scale = numbers.floats(s.outputChannels), shift = numbers.floats(s.outputChannels)
        let residual = numbers.floats(pixels * s.outputChannels)
        for activation in [EpilogueActivation.none, .silu, .reluUpTo(3)] {
          func run(_ p: any ComputePrimitives, _ cache: NodeCache?) -> [Float] {
            var y = [Float](repeating: .nan, count: pixels * s.outputChannels)
            scale.withUnsafeBufferPointer { scale in
              shift.withUnsafeBufferPointer { shift in
                residual.withUnsafeBufferPointer { residual in
                  let e =
                    activation == .none
                    ? Epilogue()
                    : Epilogue(
                      scale: scale.baseAddress, shift: shift.baseAddress, residual: residual.baseAddress, activation: activation)
                  p.convolve(s, x, w, e, &y, cache: cache)
                }
              }
            }
            return y
          }
          let expected = run(ReferencePrimitives(), nil)
          withEveryBackend { fast, name in
            let cache = NodeCache()
            expectClose(run(fast, nil), expected, relative: 1e-5, absolute: tolerance, "\(name) case \(index) \(layout) \(kernelLayout)")
            for _ in 0..<2 {
              expectClose(
                run(fast, cache), expected, relative: 1e-5, absolute: tolerance, "\(name) cached case \(index) \(layout) \(kernelLayout)")
            }
          }
        }
      }
    }
  }
}

@Test func windows() {
  var numbers = Numbers(6)
  for (index, test) in cases.enumerated() where test.groups == 1 {
    for layout in [DataLayout.channelsLast, .channelsFirst] {
      var s = test.shape(layout, .spatialInputOutput)
      s.outputChannels = s.inputChannels
      var x = numbers.floats(s.batch * s.input.reduce(1, *) * s.inputChannels)
      x[x.count / 2] = .nan
      let count = s.batch * s.output.reduce(1, *) * s.inputChannels
      for maximum in [true, false] {
        func run(_ p: any ComputePrimitives) -> [Float] {
          var y = [Float](repeating: 7, count: count)
          p.pool(s, maximum: maximum, x, &y)
          return y
        }
        let expected = run(ReferencePrimitives())
        withEveryBackend { fast, name in
          expectClose(run(fast), expected, absolute: 1e-4, "\(name) case \(index) \(layout)")
        }
      }
    }
  }
}
