extension ComputePrimitives {
  public func convolve(
    _ s: ConvolutionShape, _ x: StoredIntegers, _ w: UnsafePointer<Int16>, _ scheme: Requantization, _ y: StoredResults, cache: NodeCache?
  ) {
    eachPixel(s, x, w) { place, sums in
      requantize(sums, rows: 1, columns: s.outputChannels, scheme)
      for c in 0..<s.outputChannels { y.store(sums[c], at: place * s.outputChannels + c) }
    }
  }

  public func convolve(
    _ s: ConvolutionShape, _ x: StoredIntegers, _ w: UnsafePointer<Int16>, sums: UnsafeMutablePointer<Int32>, cache: NodeCache?
  ) {
    eachPixel(s, x, w) { place, found in (sums + place * s.outputChannels).update(from: found, count: s.outputChannels) }
  }

  private func eachPixel(
    _ s: ConvolutionShape, _ x: StoredIntegers, _ w: UnsafePointer<Int16>,
    _ body: (_ place: Int, _ sums: UnsafeMutablePointer<Int32>) -> Void
  ) {
    func three(_ list: [Int], _ filler: Int) -> [Int] { Array(repeating: filler, count: max(0, 3 - list.count)) + list }
    let input = three(s.input, 1), kernel = three(s.kernel, 1), output = three(s.output, 1)
    let stride = three(s.strides, 1), dilation = three(s.dilations, 1), padding = three(s.padding, 0)
    let inputs = s.inputChannels / s.groups, outputs = s.outputChannels / s.groups, taps = kernel.reduce(1, *)
    var sums = [Int32](repeating: 0, count: s.outputChannels)
    for place in 0..<(s.batch * output.reduce(1, *)) {
      let at = [place / (output[2] * output[1]) % output[0], place / output[2] % output[1], place % output[2]]
      let image = place / (output[0] * output[1] * output[2])
      for c in sums.indices { sums[c] = 0 }
      for tap in 0..<taps {
        let step = [tap / (kernel[2] * kernel[1]), tap / kernel[2] % kernel[1], tap % kernel[2]]
        let from = (0..<3).map { at[$0] * stride[$0] + step[$0] * dilation[$0] - padding[$0] }
        guard (0..<3).allSatisfy({ from[$0] >= 0 && from[$0] < input[$0] }) else { continue }
        let pixel = (((image * input[0] + from[0]) * input[1] + from[1]) * input[2] + from[2]) * s.inputChannels
        for c in sums.indices {
          for i in 0..<inputs { sums[c] &+= x[pixel + c / outputs * inputs + i] &* Int32(w[(c * taps + tap) * inputs + i]) }
        }
      }
      sums.withUnsafeMutableBufferPointer { sums in
        guard let start = sums.baseAddress else { return }
        body(place, start)
      }
    }
  }

  public func combine(
    _ scheme: IntegerCombination, _ a: StoredIntegers, _ b: StoredIntegers, _ y: StoredResults, offset: Int, count: Int, aStart: Int,
    bStart: Int, aStep: Int, bStep: Int
  ) {
    for i in 0..<count { y.store(scheme(a[aStart + i * aStep], b[bStart + i * bStep]), at: offset + i) }
  }
}
