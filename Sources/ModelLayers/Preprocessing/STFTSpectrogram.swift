import ModelGraph
import ModelOps
import ModelTensor

/// The spectrum of each channel of a signal, step by step: `[batch, samples, channels]` to `[batch, frames, channels · bins]`
/// (`expandDims`: `[batch, frames, bins, channels]`), by convolutions with waves that are weights.
///
/// Weights: `real_kernel` and `imag_kernel` `[frameLength, 1, bins]`; modes `real` and `imag` have their own only.
public struct STFTSpectrogram: ConfigurableLayer {
  public enum Mode: String, Sendable, AttributeConvertible, CaseIterable {
    case log, magnitude, psd, real, imag, angle, stft
    public var attributeValue: AttributeValue { .string(rawValue) }
  }
  public static let className = "STFTSpectrogram"
  public var mode = Mode.log
  public var frameLength = 256
  public var frameStep: Int?
  public var fftLength: Int?
  public var padding = ConvPadding.valid
  public var expandDims = false
  public var layout = DataLayout.channelsLast
  public init() {}

  private var bins: Int {
    var length = 1
    while length < frameLength { length *= 2 }
    return (fftLength ?? length) / 2 + 1
  }

  public func weights(for inputs: [TensorType]) throws -> [WeightSpec] {
    let shape = try checked([frameLength, 1, bins])
    let names = ["real_kernel", "imag_kernel"].filter { $0 != (mode == .imag ? "real_kernel" : mode == .real ? "imag_kernel" : "") }
    return names.enumerated().map { WeightSpec($1, shape, path: "vars/\($0)") }
  }

  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    let x = try call.input()
    guard let dims = context.type(of: x).shape.dims, dims.count == 3, let channels = dims[layout == .channelsLast ? 2 : 1].value else {
      throw GraphError(.missingType, "STFTSpectrogram: the number of channels is unknown")
    }
    let bins = bins
    // Each channel is a signal of its own: `[batch · channels, samples, 1]`.
    let samples = try context.dim(of: x, layout == .channelsLast ? 1 : 2)
    let rows = layout == .channelsLast ? try context.transpose(x, [0, 2, 1]) : x
    let signal = try context.reshape(rows, to: try context.concat([try context.ints([-1]), samples, try context.ints([1])], axis: 0))
    // To `[batch, channels, bins, frames]`.
    func parts<D: OpContext>(_ signal: D.Value, _ kernel: D.Value, _ context: inout D) throws -> D.Value {
      let op = ConvOp(
        strides: [frameStep ?? max(1, frameLength / 2)], dilations: [1], padding: padding.resolved(kernel: [frameLength], dilations: [1]),
        groups: 1, layout: .channelsLast, kernelLayout: .spatialInputOutput)
      let y = try context.transpose(try context.apply(op, signal, kernel, nil), [0, 2, 1])
      let frames = try context.dim(of: y, 2)
      return try context.reshape(y, to: try context.concat([try context.ints([-1, channels, bins]), frames], axis: 0))
    }
    let first = try parts(signal, try call.weight(0), &context)
    if mode == .real || mode == .imag { return [try arranged(first, channels, bins, in: &context)] }
    let second = try parts(signal, try call.weight(1), &context)
    switch mode {
    case .angle: return [try arranged(try context.apply(Atan2Op(), second, first), channels, bins, in: &context)]
    case .stft: return [try arranged(try context.concat([first, second], axis: 2), channels, 2 * bins, in: &context)]
    default: break
    }
    var power = try context.add(try context.apply(SquareOp(), first), try context.apply(SquareOp(), second))
    if mode == .psd {
      if bins > 2 {
        let inner = try context.slice(power, axis: 2, start: 1, end: bins - 1)
        power = try context.add(power, try context.pad(inner, before: [0, 0, 1, 0], after: [0, 0, 1, 0]))
      }
      return [try arranged(power, channels, bins, in: &context)]
    }
    let epsilon = try context.scalar(1e-7, like: power)
    let magnitude = try arranged(try context.apply(SqrtOp(), try context.maximum(power, epsilon)), channels, bins, in: &context)
    return mode == .magnitude ? [magnitude] : [try context.apply(LogOp(), try context.maximum(magnitude, epsilon))]
  }
  public func mask<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value?] { [nil] }

  /// From `[batch, channels, bins, frames]` to what the layer gives.
  private func arranged<C: OpContext>(_ x: C.Value, _ channels: Int, _ bins: Int, in context: inout C) throws -> C.Value {
    if expandDims { return try context.transpose(x, layout == .channelsLast ? [0, 3, 2, 1] : [0, 1, 3, 2]) }
    let frames = try context.dim(of: x, 3)
    let y = try context.reshape(x, to: try context.concat([try context.ints([-1, channels * bins]), frames], axis: 0))
    return layout == .channelsLast ? try context.transpose(y, [0, 2, 1]) : y
  }
}
