import ModelGraph
import ModelTensor

/// The discrete Fourier transform along one axis (ONNX DFT).
///
/// Inputs: `x` of `[…, 1]` (real) or `[…, 2]` (real and imaginary parts); `length?` (scalar: the axis is cut or
/// filled with zeros to it); `axis?` (scalar, instead of the attribute). Result: `[…, 2]`; `onesided` keeps the
/// `length / 2 + 1` first bins of a real signal. Inverse and onesided, those bins give back the real signal `[…, 1]`.
public struct DFTOp: PrimitiveOp {
  public static let name = "DFT"
  public static let family = OpFamily.linear
  public var axis: Int
  public var inverse: Bool
  public var onesided: Bool
  public init(axis: Int = -2, inverse: Bool = false, onesided: Bool = false) {
    self.axis = axis
    self.inverse = inverse
    self.onesided = onesided
  }

  private func shape<T>(_ dims: [T], axis: Int, bins: T, parts: T) -> [T] {
    var result = dims
    result[axis] = bins
    result[dims.count - 1] = parts
    return result
  }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self).type
    guard let dims = x.shape.dims else { return [TensorType(x.dtype, .unranked)] }
    guard dims.count >= 2 else { throw GraphError(.shapeMismatch, "DFT of \(x)") }
    let parts: Dim = inverse && onesided ? 1 : 2
    if let given = inputs.optional(2), given.integers == nil {
      return [TensorType(x.dtype, .ranked(dims.dropLast().map { _ in .unknown } + [parts]))]
    }
    let axis = try indexedAxis(inputs.optional(2)?.integers?.first ?? axis, rank: dims.count)
    guard axis < dims.count - 1 else { throw GraphError(.invalidAttribute, "DFT along the axis of real and imaginary parts") }
    let length = inputs.optional(1).map { $0.integers?.first } ?? dims[axis].value
    guard let length else { return [TensorType(x.dtype, .ranked(shape(dims, axis: axis, bins: .unknown, parts: parts)))] }
    let bins: Int
    if !onesided {
      bins = length
    } else if !inverse {
      bins = length / 2 + 1
    } else {
      bins = inputs.optional(1) == nil ? 2 * (length - 1) : length
    }
    guard bins >= 0 else { throw GraphError(.invalidAttribute, "DFT of length \(length)") }
    return [TensorType(x.dtype, .ranked(shape(dims, axis: axis, bins: .fixed(bins), parts: parts)))]
  }

  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    guard x.dtype.isFloatingPoint else { throw noKernel(x.dtype) }
    guard x.rank >= 2, let parts = x.shape.last, parts == 1 || parts == 2, !onesided || (parts == 2) == inverse else {
      throw ExecutionError(.shapeMismatch, "DFT of \(x.type)\(onesided ? ", onesided" : "")")
    }
    let axis = try indexedAxis(inputs.optional(2)?.integers()?.first ?? axis, rank: x.rank)
    let given = inputs.optional(1)?.integers()?.first
    guard axis < x.rank - 1, given ?? 1 >= 1, given ?? 1 < 1 << 40, x.shape[axis] > 0 || given != nil else {
      throw ExecutionError(.invalidValue, "DFT of \(x.type) along axis \(axis), length \(given ?? x.shape[axis])")
    }
    let hermitian = onesided && inverse
    let length = given ?? (hermitian ? 2 * (x.shape[axis] - 1) : x.shape[axis])
    let bins = onesided && !inverse ? length / 2 + 1 : length
    let outParts = hermitian ? 1 : 2
    let shape = shape(x.shape, axis: axis, bins: bins, parts: outParts)
    // Memory is asked for before any is used: the length comes from outside.
    let result = try context.allocate(.float64, shape)
    _ = try context.allocate(.float64, [length, 8])
    let transform = FourierTransform(length: length, inverse: inverse)
    let values = x.doubles()
    let lines = AxisView(Array(x.shape.dropLast()), axis: axis)
    let read = hermitian ? min(lines.extent, length / 2 + 1) : min(lines.extent, length)
    result.withMutable(Double.self) { y in
      for o in 0..<lines.outer {
        for i in 0..<lines.inner {
          var line = [(Double, Double)](repeating: (0, 0), count: length)
          for n in 0..<read {
            let place = ((o * lines.extent + n) * lines.inner + i) * parts
            line[n] = (values[place], parts == 2 ? values[place + 1] : 0)
          }
          if hermitian { for n in 1..<max(1, (length + 1) / 2) where n < read { line[length - n] = (line[n].0, -line[n].1) } }
          let spectrum = transform(line)
          for k in 0..<bins {
            let place = ((o * bins + k) * lines.inner + i) * outParts
            y[place] = spectrum[k].0
            if outParts == 2 { y[place + 1] = spectrum[k].1 }
          }
        }
      }
    }
    return [try result.cast(to: x.dtype, in: context)]
  }
}
