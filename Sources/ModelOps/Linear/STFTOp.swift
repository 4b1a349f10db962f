import ModelGraph
import ModelTensor

/// The Fourier transforms of windows that slide over a signal (ONNX STFT).
///
/// Inputs: `signal` (`[batch, length]`, `[batch, length, 1]`, or 2 for complex), `frameStep` (scalar), `window?` (vector),
/// `frameLength?` (scalar). Result: `[batch, frames, bins, 2]`.
public struct STFTOp: PrimitiveOp {
  public static let name = "STFT"
  public static let family = OpFamily.linear
  public var onesided: Bool
  public init(onesided: Bool = true) { self.onesided = onesided }

  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self).type
    guard let dims = x.shape.dims else { return [TensorType(x.dtype, .ranked([.unknown, .unknown, .unknown, 2]))] }
    guard dims.count == 2 || dims.count == 3 else { throw GraphError(.shapeMismatch, "STFT of \(x)") }
    let length = inputs.optional(3)?.integers?.first ?? inputs.optional(2)?.type.shape.dims?.first?.value
    let step = try inputs.required(1, of: self).integers?.first
    var frames = Dim.unknown
    if let length, let step, step > 0, let total = dims[1].value, length <= total { frames = .fixed((total - length) / step + 1) }
    return [TensorType(x.dtype, .ranked([dims[0], frames, length.map { .fixed(onesided ? $0 / 2 + 1 : $0) } ?? .unknown, 2]))]
  }

  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    guard x.dtype.isFloatingPoint else { throw noKernel(x.dtype) }
    let window = inputs.optional(2)?.doubles()
    // PyTorch writes real signals without the last axis, and ONNX Runtime takes them.
    let parts = x.rank == 2 ? 1 : x.shape.last ?? 0
    guard x.rank == 2 || x.rank == 3, parts == 1 || parts == 2, let step = try inputs.required(1, of: self).integers()?.first, step > 0,
      let length = inputs.optional(3)?.integers()?.first ?? window?.count, length > 0, length <= x.shape[1],
      window == nil || window?.count == length
    else { throw ExecutionError(.invalidValue, "STFT of \(x.type)") }
    let frames = (x.shape[1] - length) / step + 1, bins = onesided ? length / 2 + 1 : length
    let result = try context.allocate(.float64, [x.shape[0], frames, bins, 2])
    let transform = FourierTransform(length: length, inverse: false)
    let values = x.doubles()
    result.withMutable(Double.self) { y in
      for batch in 0..<x.shape[0] {
        for frame in 0..<frames {
          let line: [(Double, Double)] = (0..<length).map { n in
            let place = (batch * x.shape[1] + frame * step + n) * parts, weight = window?[n] ?? 1
            return (values[place] * weight, parts == 2 ? values[place + 1] * weight : 0)
          }
          let spectrum = transform(line)
          for k in 0..<bins {
            let place = ((batch * frames + frame) * bins + k) * 2
            y[place] = spectrum[k].0
            y[place + 1] = spectrum[k].1
          }
        }
      }
    }
    return [try result.cast(to: x.dtype, in: context)]
  }
}
