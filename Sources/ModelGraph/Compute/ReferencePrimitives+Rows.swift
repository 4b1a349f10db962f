import ModelTensor

// The definitions of products with an epilogue, of windows, and of what works on rows.
extension ComputePrimitives {
  public func gemm(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ c: UnsafeMutablePointer<Float>,
    m: Int, n: Int, k: Int, transposeB: Bool, _ epilogue: Epilogue, cache: NodeCache?
  ) {
    for i in 0..<m {
      for j in 0..<n {
        var sum: Float = 0
        for p in 0..<k { sum += a[i * k + p] * b[transposeB ? j * k + p : p * n + j] }
        c[i * n + j] = epilogue.apply(sum, channel: j, place: i * n + j)
      }
    }
  }

  public func gemm(
    _ a: UnsafePointer<Int32>, _ b: UnsafePointer<Int32>, _ c: UnsafeMutablePointer<Int32>, m: Int, n: Int, k: Int
  ) {
    for i in 0..<m {
      for j in 0..<n {
        var sum: Int32 = 0
        for p in 0..<k { sum = sum &+ a[i * k + p] &* b[p * n + j] }
        c[i * n + j] = sum
      }
    }
  }

  public func binary(
    _ function: BinaryFunction, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>,
    rows: Int, count: Int, aRow: Int, bRow: Int, aStep: Int, bStep: Int
  ) {
    for r in 0..<rows {
      for i in 0..<count { y[r * count + i] = function(a[r * aRow + i * aStep], b[r * bRow + i * bStep]) }
    }
  }

  public func scaleShift(
    _ x: UnsafePointer<Float>, scale: UnsafePointer<Float>, shift: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>,
    outer: Int, channels: Int, inner: Int
  ) {
    for i in 0..<(outer * channels * inner) { y[i] = x[i] * scale[i / inner % channels] + shift[i / inner % channels] }
  }

  public func pool(
    _ s: ConvolutionShape, maximum: Bool, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>
  ) {
    let input = s.input.padded, window = s.kernel.padded, output = s.output.padded
    let stride = s.strides.padded, dilation = s.dilations.padded, padding = s.padding.padded(with: 0)
    // Channels last: lanes are channels. Channels first: each plane by itself.
    let lanes = s.layout == .channelsLast ? s.inputChannels : 1
    let planes = s.layout == .channelsLast ? s.batch : s.batch * s.inputChannels
    for place in 0..<(planes * output[0] * output[1] * output[2] * lanes) {
      let lane = place % lanes, ow = place / lanes % output[2], oh = place / lanes / output[2] % output[1]
      let od = place / lanes / output[2] / output[1] % output[0], plane = place / lanes / output[2] / output[1] / output[0]
      var result: Float = maximum ? -.infinity : 0
      for kd in 0..<window[0] {
        let d = od * stride[0] + kd * dilation[0] - padding[0]
        guard d >= 0, d < input[0] else { continue }
        for kh in 0..<window[1] {
          let h = oh * stride[1] + kh * dilation[1] - padding[1]
          guard h >= 0, h < input[1] else { continue }
          for kw in 0..<window[2] {
            let w = ow * stride[2] + kw * dilation[2] - padding[2]
            guard w >= 0, w < input[2] else { continue }
            let v = x[(((plane * input[0] + d) * input[1] + h) * input[2] + w) * lanes + lane]
            if !maximum { result += v } else if v > result || v.isNaN { result = v }
          }
        }
      }
      y[place] = result
    }
  }

  public func reduce(
    _ function: ReductionFunction, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, outer: Int, count: Int,
    inner: Int
  ) {
    for o in 0..<outer {
      for i in 0..<inner {
        var result = function == .maximum ? -Double.infinity : function == .minimum ? .infinity : 0
        for n in 0..<count {
          let v = Double(x[(o * count + n) * inner + i])
          switch function {
          case .sum: result += v
          case .sumSquare: result += v * v
          case .maximum: if v > result || v.isNaN { result = v }
          case .minimum: if v < result || v.isNaN { result = v }
          }
        }
        y[o * inner + i] = Float(result)
      }
    }
  }

  public func normalize(
    _ x: UnsafePointer<Float>, scale: UnsafePointer<Float>?, shift: UnsafePointer<Float>?, _ y: UnsafeMutablePointer<Float>,
    rows: Int, count: Int, epsilon: Float
  ) {
    for row in 0..<rows {
      let x = x + row * count, y = y + row * count
      var mean = 0.0, variance = 0.0
      for i in 0..<count { mean += Double(x[i]) }
      mean /= Double(count)
      for i in 0..<count { variance += (Double(x[i]) - mean) * (Double(x[i]) - mean) }
      let inverse = 1 / (variance / Double(count) + Double(epsilon)).squareRoot()
      for i in 0..<count { y[i] = Float((Double(x[i]) - mean) * inverse) * (scale?[i] ?? 1) + (shift?[i] ?? 0) }
    }
  }

  public func transpose(
    _ x: UnsafePointer<UInt32>, _ y: UnsafeMutablePointer<UInt32>, batch: Int, rows: Int, columns: Int
  ) {
    for b in 0..<batch {
      for j in 0..<columns { for i in 0..<rows { y[(b * columns + j) * rows + i] = x[(b * rows + i) * columns + j] } }
    }
  }
}
