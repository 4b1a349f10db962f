import Foundation
import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// LiteRT's operators of audio, as products with matrices.
extension OperatorReader {
  private func option(_ name: String, _ options: [String: FlexBuffer.Value]) throws -> Int {
    guard let value = options[name]?.int else { throw FormatError(.missingReference, "\(type) needs the option \(name)") }
    return value
  }

  /// `AudioSpectrogram`: `[samples, channels]` to `[channels, frames, 1 + fft / 2]`: frames under a periodic Hann window, their
  /// Fourier transform over the next power of two, its magnitude or that squared.
  func spectrogram(in g: inout GraphContext) throws -> [ValueID] {
    let options = try customOptions(), window = try option("window_size", options), stride = try option("stride", options)
    guard window >= 2, window <= 1 << 13, stride >= 1, stride <= 1 << 30 else {
      throw FormatError(.invalidValue, "\(type) of windows of \(window) every \(stride) samples")
    }
    let extents = try extents(0, in: g)
    guard extents.count == 2 else { throw FormatError(.invalidValue, "\(type) of a value \(extents)") }
    let frames = extents[0] < window ? 0 : 1 + (extents[0] - window) / stride
    let size = (1...13).map { 1 << $0 }.first { $0 >= window } ?? window
    let bins = 1 + size / 2
    guard frames > 0 else { return [try g.expand(try g.scalar(0, dtype: .float32), to: try g.ints([extents[1], 0, bins]))] }
    guard frames <= 1 << 16, checkedProduct([frames, window]).map({ $0 <= 1 << 24 }) ?? false else {
      throw UnsupportedError("\(type) of \(frames) frames")
    }
    let places = NDArray((0..<frames).flatMap { f in (0..<window).map { Int64(f * stride + $0) } }, [frames, window])
    // [channels, frames, window]
    let pieces = try g.gather(try g.transpose(try input(0), [1, 0]), try g.constant(places), axis: 1)
    func basis(_ part: @escaping @Sendable (Double) -> Double) throws -> ValueID {
      let matrix = Tensor(computing: TensorType(.float32, [window, bins])) {
        var values = [Float](repeating: 0, count: window * bins)
        for t in 0..<window {
          let hann = 0.5 - 0.5 * cos(2 * Double.pi * Double(t) / Double(window))
          // The angle counts whole turns away, so that it stays exact.
          for k in 0..<bins { values[t * bins + k] = Float(hann * part(2 * Double.pi * Double(t * k % size) / Double(size))) }
        }
        return NDArray(values, [window, bins])
      }
      return g.graph.addConstant(matrix, name: "fourier")
    }
    let real = try g.matmul(pieces, try basis { cos($0) }), imaginary = try g.matmul(pieces, try basis { -sin($0) })
    let power = try g.add(try g.mul(real, real), try g.mul(imaginary, imaginary))
    return [options["magnitude_squared"]?.bool == true ? power : try g.apply(SqrtOp(), power)]
  }

  /// `Mfcc`: squared magnitudes `[channels, frames, bins]` to mel-frequency cepstral coefficients `[channels, frames, coefficients]`:
  /// magnitudes weighted by triangles on the mel scale, their logarithms, a cosine transform.
  func cepstrum(in g: inout GraphContext) throws -> [ValueID] {
    let options = try customOptions(), count = try option("dct_coefficient_count", options)
    let bank = MelFilterBank(
      bins: try extents(0, in: g).last ?? 0, rate: Double(try constantInt(1, in: g)),
      channels: try option("filterbank_channel_count", options), low: Double(try option("lower_frequency_limit", options)),
      high: Double(try option("upper_frequency_limit", options)))
    guard let bank, count >= 1, count <= bank.channels else {
      throw FormatError(.invalidValue, "\(type) with options that make no filters")
    }
    guard bank.last < bank.bins else { throw UnsupportedError("\(type) of \(bank.bins) bins, too few for its limits") }
    let magnitudes = try g.apply(SqrtOp(), try input(0))
    let energies = try g.matmul(magnitudes, try g.constant(bank.matrix))
    let logs = try g.apply(LogOp(), try g.maximum(energies, try g.scalar(1e-12, like: energies)))
    let width = bank.channels, norm = (2 / Double(width)).squareRoot()
    let cosines = (0..<width).flatMap { j in
      (0..<count).map { i in Float(norm * cos(Double(i) * Double.pi / Double(width) * (Double(j) + 0.5))) }
    }
    return [try g.matmul(logs, try g.constant(NDArray(cosines, [width, count])))]
  }
}

/// Triangles on the mel scale, each as high as its centre and reaching to those beside it. The lowest bin is left out.
private struct MelFilterBank {
  let bins: Int, channels: Int
  /// The last bin that counts.
  let last: Int
  /// `[bins, channels]`.
  let matrix: NDArray

  init?(bins: Int, rate: Double, channels: Int, low: Double, high: Double) {
    guard channels >= 1, rate > 0, bins >= 2, low >= 0, high > low, high < 1e9, channels <= 1 << 12, bins <= 1 << 14 else { return nil }
    func mel(_ frequency: Double) -> Double { 1127 * log1p(frequency / 700) }
    let lowest = mel(low), spacing = (mel(high) - lowest) / Double(channels + 1)
    let centres = (0...channels).map { lowest + spacing * Double($0 + 1) }
    let width = 0.5 * rate / Double(bins - 1)
    let first = Int(1.5 + low / width), last = Int(high / width)
    var weights = [Float](repeating: 0, count: bins * channels), channel = 0
    for bin in 0..<bins where bin >= first && bin <= last {
      let place = mel(Double(bin) * width)
      while channel < channels, centres[channel] < place { channel += 1 }
      let left = channel > 0 ? centres[channel - 1] : lowest
      let share = (centres[channel] - place) / (centres[channel] - left)
      if channel > 0 { weights[bin * channels + channel - 1] += Float(share) }
      if channel < channels { weights[bin * channels + channel] += Float(1 - share) }
    }
    self.bins = bins
    self.channels = channels
    self.last = last
    matrix = NDArray(weights, [bins, channels])
  }
}
