import Foundation
import ModelTensor

/// The kernel of a convolution that computes one side of a short-time Fourier transform (Keras's `STFTInitializer`): `[T, 1, F / 2 + 1]` for
/// frames of `T` samples and `F` frequencies.
public struct STFTInitializer: Initializer {
  public enum Side: String, Sendable { case real, imag }
  public enum Scaling: String, Sendable { case density, spectrum }
  public var side: Side, scaling: Scaling?, periodic: Bool
  /// As scipy names it; `nil` for none.
  public var window: String?
  public init(side: Side = .real, window: String? = "hann", scaling: Scaling? = .density, periodic: Bool = false) {
    self.side = side
    self.window = window
    self.scaling = scaling
    self.periodic = periodic
  }

  public func callAsFunction(_ shape: [Int], dtype: DType) throws -> Tensor {
    guard shape.count == 3, shape[1] == 1 else {
      throw TensorError(.shapeMismatch, "an STFT initialiser makes kernels [samples, 1, frequencies], not \(shape)")
    }
    let (length, count) = (shape[0], shape[2]), frequencies = Float((count - 1) * 2)
    let factors = try window.map { try Self.weights($0, length, periodic) }, scale: Float
    switch scaling {
    case .density: scale = (factors ?? []).reduce(0) { $0 + $1 * $1 }.squareRoot()
    case .spectrum: scale = (factors ?? []).reduce(0) { $0 + abs($1) }
    case nil: scale = 1
    }
    var values: [Double] = []
    for time in 0..<length {
      for frequency in 0..<count {
        // In single precision and in Keras's order: what should be zero is not.
        let angle = -2 * Float(time) * (Float(frequency) / frequencies) * Float(3.14159274)
        let wave = side == .real ? cosf(angle) : sinf(angle)
        values.append(Double(factors.map { wave * $0[time] / scale } ?? wave))
      }
    }
    return try Tensor(values, shape: shape).cast(to: dtype)
  }

  /// The cosines that a window is a sum of.
  private static let cosines: [String: [Double]] = [
    "hann": [0.5, 0.5], "hanning": [0.5, 0.5], "hamming": [0.54, 0.46], "blackman": [0.42, 0.5, 0.08],
    "nuttall": [0.3635819, 0.4891775, 0.1365995, 0.0106411], "blackmanharris": [0.35875, 0.48829, 0.14128, 0.01168],
    "flattop": [0.21557895, 0.41663158, 0.277263158, 0.083578947, 0.006947368], "boxcar": [1], "ones": [1], "rect": [1],
  ]
  private static func weights(_ name: String, _ count: Int, _ isPeriodic: Bool) throws -> [Float] {
    guard let factors = cosines[name] else {
      throw TensorError(.notSupported, "STFT: no window '\(name)'; there are " + cosines.keys.sorted().joined(separator: ", "))
    }
    guard count > 1 else { return [Float](repeating: 1, count: count) }
    let last = Double(isPeriodic ? count : count - 1)
    return (0..<count).map { place in
      let angle = -Double.pi + 2 * Double.pi * Double(place) / last
      return Float(factors.enumerated().reduce(0) { $0 + $1.element * cos(Double($1.offset) * angle) })
    }
  }
}
