import ModelTensor

#if canImport(Glibc)
  import Glibc
#endif

/// The definition of every primitive, in plain Swift on one thread.
public struct ReferencePrimitives: ComputePrimitives {
  public init() {}
  public var threads: Int { 1 }
}

extension ComputePrimitives {
  public var threads: Int { 1 }

  public func gemm(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ c: UnsafeMutablePointer<Float>,
    m: Int, n: Int, k: Int, transposeA: Bool, transposeB: Bool, alpha: Float, beta: Float
  ) {
    multiply(a, b, c, m: m, n: n, k: k, transposeA: transposeA, transposeB: transposeB, alpha: alpha, beta: beta)
  }
  public func gemm(
    _ a: UnsafePointer<Double>, _ b: UnsafePointer<Double>, _ c: UnsafeMutablePointer<Double>,
    m: Int, n: Int, k: Int, transposeA: Bool, transposeB: Bool, alpha: Double, beta: Double
  ) {
    multiply(a, b, c, m: m, n: n, k: k, transposeA: transposeA, transposeB: transposeB, alpha: alpha, beta: beta)
  }

  public func unary(_ function: UnaryFunction, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, count: Int) {
    for i in 0..<count { y[i] = function(x[i]) }
  }

  public func binary(
    _ function: BinaryFunction, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>,
    _ y: UnsafeMutablePointer<Float>, count: Int, aIsScalar: Bool, bIsScalar: Bool
  ) {
    for i in 0..<count { y[i] = function(a[aIsScalar ? 0 : i], b[bIsScalar ? 0 : i]) }
  }

  public func softmax(_ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, rows: Int, count: Int, log: Bool) {
    for row in 0..<rows {
      let x = x + row * count, y = y + row * count
      var largest = -Float.infinity
      for i in 0..<count { largest = max(largest, x[i]) }
      var sum: Float = 0
      for i in 0..<count {
        y[i] = expf(x[i] - largest)
        sum += y[i]
      }
      let logSum = logf(sum)
      for i in 0..<count { y[i] = log ? x[i] - largest - logSum : y[i] / sum }
    }
  }

  public func parallel(_ count: Int, grain: Int, _ body: (Range<Int>) -> Void) { if count > 0 { body(0..<count) } }

  public func convolve(
    _ s: ConvolutionShape, _ x: UnsafePointer<Float>, _ w: UnsafePointer<Float>, _ epilogue: Epilogue,
    _ y: UnsafeMutablePointer<Float>, cache: NodeCache?
  ) {
    let input = s.input.padded, kernel = s.kernel.padded, output = s.output.padded
    let stride = s.strides.padded, dilation = s.dilations.padded, padding = s.padding.padded(with: 0)
    let groupInput = s.inputChannels / s.groups, groupOutput = s.outputChannels / s.groups
    let taps = kernel[0] * kernel[1] * kernel[2]
    func xIndex(_ n: Int, _ d: Int, _ h: Int, _ w: Int, _ c: Int) -> Int {
      s.layout == .channelsLast
        ? (((n * input[0] + d) * input[1] + h) * input[2] + w) * s.inputChannels + c
        : (((n * s.inputChannels + c) * input[0] + d) * input[1] + h) * input[2] + w
    }
    func wIndex(_ tap: Int, _ i: Int, _ o: Int) -> Int {
      switch s.kernelLayout {
      case .spatialInputOutput: (tap * groupInput + i) * s.outputChannels + o
      case .spatialOutputInput: (tap * s.outputChannels + o) * groupInput + i
      case .outputInputSpatial: (o * groupInput + i) * taps + tap
      }
    }
    for n in 0..<s.batch {
      for od in 0..<output[0] {
        for oh in 0..<output[1] {
          for ow in 0..<output[2] {
            for o in 0..<s.outputChannels {
              let group = o / groupOutput
              var sum: Float = 0
              for kd in 0..<kernel[0] {
                let d = od * stride[0] + kd * dilation[0] - padding[0]
                guard d >= 0, d < input[0] else { continue }
                for kh in 0..<kernel[1] {
                  let h = oh * stride[1] + kh * dilation[1] - padding[1]
                  guard h >= 0, h < input[1] else { continue }
                  for kw in 0..<kernel[2] {
                    let column = ow * stride[2] + kw * dilation[2] - padding[2]
                    guard column >= 0, column < input[2] else { continue }
                    let tap = (kd * kernel[1] + kh) * kernel[2] + kw
                    for i in 0..<groupInput {
                      sum += x[xIndex(n, d, h, column, group * groupInput + i)] * w[wIndex(tap, i, o)]
                    }
                  }
                }
              }
              let place =
                s.layout == .channelsLast
                ? (((n * output[0] + od) * output[1] + oh) * output[2] + ow) * s.outputChannels + o
                : (((n * s.outputChannels + o) * output[0] + od) * output[1] + oh) * output[2] + ow
              y[place] = epilogue.apply(sum, channel: o, place: place)
            }
          }
        }
      }
    }
  }
}

extension Epilogue {
  @inlinable public func apply(_ sum: Float, channel: Int, place: Int) -> Float {
    var value = sum
    if let scale { value *= scale[channel] }
    if let shift { value += shift[channel] }
    if let residual { value += residual[place] }
    switch activation {
    case .none: return value
    case .relu: return max(value, 0)
    case .reluUpTo(let top): return min(max(value, 0), top)
    case .silu: return value / (1 + expf(-value))
    }
  }
}

extension Array where Element == Int {
  /// Three entries, filled up in front.
  public var padded: [Int] { padded(with: 1) }
  public func padded(with filler: Int) -> [Int] { Array(repeating: filler, count: Swift.max(0, 3 - count)) + self }
}

private func multiply<T: BinaryFloatingPoint>(
  _ a: UnsafePointer<T>, _ b: UnsafePointer<T>, _ c: UnsafeMutablePointer<T>,
  m: Int, n: Int, k: Int, transposeA: Bool, transposeB: Bool, alpha: T, beta: T
) {
  for i in 0..<m {
    for j in 0..<n {
      var sum: T = 0
      for p in 0..<k { sum += a[transposeA ? p * m + i : i * k + p] * b[transposeB ? j * k + p : p * n + j] }
      c[i * n + j] = alpha * sum + (beta == 0 ? 0 : beta * c[i * n + j])
    }
  }
}
