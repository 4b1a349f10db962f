import Foundation
import ModelGraph
import ModelOps
import ModelTensor

/// Power on the mel scale, step by step: `[…, samples]` to `[…, melBins, frames]`, optionally in decibels.
///
/// The transform is a convolution with the waves of each frequency, windowed; frames are centred, the signal is reflected
/// at its ends (Keras's `ops.stft` with `center=True`; the mel scale is HTK's).
public struct MelSpectrogram: ConfigurableLayer {
  public static let className = "MelSpectrogram"
  public var fftLength = 2048
  public var sequenceStride = 512
  public var sequenceLength: Int?
  /// `hann`, `hamming` or none.
  public var window: String? = "hann"
  public var samplingRate = 16000.0
  public var melBins = 128
  public var minFrequency = 20.0
  public var maxFrequency: Double?
  public var powerToDecibels = true
  public var topDecibels = 80.0
  public var exponent = 2.0
  public var minPower = 1e-10
  public var referencePower = 1.0
  public init() {}

  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    var x = try call.input()
    let compute = call.computeDType ?? context.dtype(of: x)
    x = try context.cast(x, to: compute == .float64 ? .float64 : .float32)
    let rank = try context.rank(of: x)
    guard rank == 1 || rank == 2 else { throw GraphError(.shapeMismatch, "MelSpectrogram of a signal of rank \(rank)") }
    if rank == 1 { x = try context.unsqueeze(x, [0]) }
    let half = fftLength / 2, bins = half + 1
    x = try context.pad(x, before: [0, half], after: [0, half], mode: .reflect)
    let waves = try context.cast(try context.constant(SpectralKernel(frame: frame(), bins: bins).both), to: context.dtype(of: x))
    let op = ConvOp(
      strides: [sequenceStride], dilations: [1], padding: .valid, groups: 1, layout: .channelsLast, kernelLayout: .spatialInputOutput)
    let spectrum = try context.apply(op, try context.unsqueeze(x, [-1]), waves, nil)
    let real = try context.slice(spectrum, axis: 2, start: 0, end: bins),
      imaginary = try context.slice(spectrum, axis: 2, start: bins, end: 2 * bins)
    var y = try context.add(try context.apply(SquareOp(), real), try context.apply(SquareOp(), imaginary))
    if exponent != 2 { y = try context.pow(y, try context.scalar(exponent / 2, like: y)) }
    y = try context.matmul(y, try context.cast(try context.constant(melMatrix(bins: bins)), to: context.dtype(of: y)))
    if powerToDecibels { y = try decibels(y, in: &context) }
    y = try context.transpose(y, [0, 2, 1])
    if rank == 1 { y = try context.squeeze(y, [0]) }
    return [try context.cast(y, to: compute)]
  }
  public func mask<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value?] { [nil] }

  /// The window, in the middle of a frame.
  private func frame() throws -> [Double] {
    let length = sequenceLength ?? fftLength
    guard fftLength > 0, fftLength <= 1 << 14, length > 0, length <= fftLength else {
      throw GraphError(.invalidAttribute, "MelSpectrogram with frames of \(length) and transforms of \(fftLength)")
    }
    let alpha: Double
    switch window {
    case "hann": alpha = 0.5
    case "hamming": alpha = 0.54
    case nil: alpha = 1
    case let name?: throw GraphError(.invalidAttribute, "MelSpectrogram with the window '\(name)'")
    }
    let left = (fftLength - length) / 2
    var result = [Double](repeating: 0, count: fftLength)
    for i in 0..<length { result[left + i] = alpha - (1 - alpha) * cos(2 * .pi * Double(i) / Double(length)) }
    return result
  }

  private func decibels<C: OpContext>(_ x: C.Value, in context: inout C) throws -> C.Value {
    let reference = 10 * log10(max(abs(referencePower), minPower))
    var y = try context.apply(LogOp(), try context.maximum(x, try context.scalar(minPower, like: x)))
    y = try context.mul(y, try context.scalar(10 / log(10), like: y))
    if reference != 0 { y = try context.sub(y, try context.scalar(reference, like: y)) }
    let floor = try context.sub(try context.reduce(.max, y, axes: nil), try context.scalar(topDecibels, like: y))
    return try context.maximum(y, floor)
  }

  /// Triangles on the mel scale, `[bins, melBins]`; the constant part has no weight.
  private func melMatrix(bins: Int) throws -> NDArray {
    guard melBins > 0, melBins <= 1 << 14, bins > 1 else { throw GraphError(.invalidAttribute, "MelSpectrogram with \(melBins) bins") }
    func mel(_ hertz: Double) -> Double { 1127 * log(1 + hertz / 700) }
    let top = maxFrequency ?? (samplingRate / 2).rounded(.down), low = mel(minFrequency), span = mel(top) - low
    let edges = (0..<melBins + 2).map { low + span * Double($0) / Double(melBins + 1) }
    var values = [Float](repeating: 0, count: bins * melBins)
    for bin in 1..<bins {
      let place = mel(samplingRate / 2 * Double(bin) / Double(bins - 1))
      for band in 0..<melBins {
        let rising = (place - edges[band]) / (edges[band + 1] - edges[band])
        let falling = (edges[band + 2] - place) / (edges[band + 2] - edges[band + 1])
        values[bin * melBins + band] = Float(max(0, min(rising, falling)))
      }
    }
    return NDArray(values, [bins, melBins])
  }
}

/// The waves of a discrete Fourier transform as the kernel of a convolution, weighted by a window.
struct SpectralKernel {
  var frame: [Double]
  var bins: Int

  /// `[length, 1, 2 · bins]`: cosines, then negative sines.
  var both: NDArray {
    let length = frame.count
    var values = [Float](repeating: 0, count: length * 2 * bins)
    for n in 0..<length where frame[n] != 0 {
      for k in 0..<bins {
        // The angle's period first: large products lose digits.
        let angle = 2 * Double.pi * Double(n * k % length) / Double(length)
        values[n * 2 * bins + k] = Float(frame[n] * cos(angle))
        values[n * 2 * bins + bins + k] = Float(-frame[n] * sin(angle))
      }
    }
    return NDArray(values, [length, 1, 2 * bins])
  }
}
