import ModelGraph
import ModelTensor

/// The Fourier transform of real numbers as Kiss FFT computes it: integers to the last bit (TensorFlow Lite Micro's `SignalRfft`
/// and `SignalIrfft`).
///
/// Input: int16, int32 or float32 `[…, n]`, filled with zeros up to `length`; result: `[…, length + 2]`, real and imaginary parts in
/// turn. The inverse takes `[…, length + 2]` and gives `[…, length]`. Fractions are divided by `length` on the way there, and
/// once more on the way back; floats on the way back.
public struct SignalTransformOp: PrimitiveOp {
  public static let name = "SignalTransform"
  public static let family = OpFamily.linear
  public var length: Int
  public var isInverse: Bool
  /// A limit of this program's, far above windows of sound.
  public static let lengthLimit = 1 << 16

  public init(length: Int, isInverse: Bool = false) {
    self.length = length
    self.isInverse = isInverse
  }
  private var isSound: Bool {
    guard length >= 4, length % 2 == 0, length <= Self.lengthLimit else { return false }
    var rest = length
    for prime in [2, 3, 5] { while rest % prime == 0 { rest /= prime } }
    return rest == 1
  }
  public var displayName: String { isInverse ? "SignalIrfft" : "SignalRfft" }

  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self).type
    guard [.int16, .int32, .float32].contains(x.dtype) else { throw GraphError(.wrongDType, "\(displayName) of \(x)") }
    guard isSound else {
      throw GraphError(.invalidAttribute, "\(displayName) of \(length) elements: half of it is no product of 2, 3 and 5")
    }
    guard let dims = x.shape.dims else { return [TensorType(x.dtype, .unranked)] }
    guard let last = dims.last, last.value.map({ isInverse ? $0 == length + 2 : $0 <= length }) ?? true else {
      throw GraphError(.shapeMismatch, "\(displayName) of \(length) elements of \(x)")
    }
    return [TensorType(x.dtype, .ranked(Array(dims.dropLast()) + [.fixed(isInverse ? length : length + 2)]))]
  }

  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    guard let extent = x.shape.last, isSound, isInverse ? extent == length + 2 : extent <= length else {
      throw ExecutionError(.shapeMismatch, "\(displayName) of \(length) elements of \(x.type)")
    }
    let result = try context.allocate(x.dtype, Array(x.shape.dropLast()) + [isInverse ? length : length + 2])
    switch x.dtype {
    case .int16: try transform(Int16.self, x, into: result)
    case .int32: try transform(Int32.self, x, into: result)
    case .float32:
      try transform(Float.self, x, into: result)
      if isInverse { result.withMutable(Float.self) { y in for index in y.indices { y[index] /= Float(length) } } }
    default: throw noKernel(x.dtype)
    }
    return [result]
  }

  private func transform<S: KissScalar & ArrayScalar>(_: S.Type, _ x: NDArray, into result: NDArray) throws {
    guard let transform = RealKissTransform<S>(length: length, isInverse: isInverse) else { throw noKernel(x.dtype) }
    let width = x.shape.last ?? 0, wide = result.shape.last ?? 1
    x.with(S.self) { source in
      result.withMutable(S.self) { target in
        for row in 0..<(target.count / wide) {
          let line = Array(source[(row * width)..<((row + 1) * width)])
          let values = isInverse ? transform.inverse(line) : transform.forward(line)
          for (index, value) in values.enumerated() where index < wide { target[row * wide + index] = value }
        }
      }
    }
  }
}

/// Kiss FFT's `kiss_fftr` and `kiss_fftri`: the transform of half as many complex numbers, taken apart.
private struct RealKissTransform<S: KissScalar> {
  typealias Number = KissComplex<S>
  private let half: Int
  private let inner: KissTransform<S>
  private let turns: [Number]

  init?(length: Int, isInverse: Bool) {
    let half = length / 2
    guard let inner = KissTransform<S>(count: half, isInverse: isInverse) else { return nil }
    self.half = half
    self.inner = inner
    turns = (0..<half / 2).map { index in
      let phase = -Double.pi * (Double(index + 1) / Double(half) + 0.5)
      return KissTransform<S>.unit(isInverse ? -phase : phase)
    }
  }

  func forward(_ samples: [S]) -> [S] {
    func sample(_ index: Int) -> S { index < samples.count ? samples[index] : S.zero }
    let z = inner((0..<half).map { Number(re: sample(2 * $0), im: sample(2 * $0 + 1)) })
    var result = [Number](repeating: .zero, count: half + 1)
    let first = z[0].scaledDown(by: 2)
    result[0] = Number(re: S.plus(first.re, first.im), im: S.zero)
    result[half] = Number(re: S.minus(first.re, first.im), im: S.zero)
    for k in turns.indices.map({ $0 + 1 }) {
      let a = z[k].scaledDown(by: 2), b = z[half - k].conjugate.scaledDown(by: 2)
      let sum = a + b, turned = (a - b) * turns[k - 1]
      result[k] = Number(re: S.halfSum(sum.re, turned.re), im: S.halfSum(sum.im, turned.im))
      result[half - k] = Number(re: S.halfDifference(sum.re, turned.re), im: S.halfDifference(turned.im, sum.im))
    }
    return result.flatMap { [$0.re, $0.im] }
  }

  func inverse(_ parts: [S]) -> [S] {
    let x = (0...half).map { Number(re: parts[2 * $0], im: parts[2 * $0 + 1]) }
    var z = [Number](repeating: .zero, count: half)
    z[0] = Number(re: S.plus(x[0].re, x[half].re), im: S.minus(x[0].re, x[half].re)).scaledDown(by: 2)
    for k in turns.indices.map({ $0 + 1 }) {
      let a = x[k].scaledDown(by: 2), b = x[half - k].conjugate.scaledDown(by: 2)
      let even = a + b, odd = (a - b) * turns[k - 1]
      z[k] = even + odd
      z[half - k] = (even - odd).conjugate
    }
    return inner(z).flatMap { [$0.re, $0.im] }
  }
}
