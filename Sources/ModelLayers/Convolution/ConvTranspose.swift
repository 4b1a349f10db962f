import ModelGraph
import ModelOps
import ModelTensor

/// A transposed convolution over one to three spatial axes, then an activation.
///
/// Weights: `kernel` `[spatial…, filters, in]`, `bias` `[filters]`. The output extent is
/// `in · stride` with SAME padding and `(in − 1) · stride + max(kernel, stride)` with VALID, unless
/// `outputPadding` is given.
public struct ConvTranspose<R: SpatialRank>: ConfigurableLayer {
  public static var className: String { "Conv\(R.rank)DTranspose" }
  public var filters = 1
  public var kernelSize = [Int](repeating: 1, count: R.rank)
  public var strides = [Int](repeating: 1, count: R.rank)
  public var padding = ConvPadding.valid
  public var outputPadding: [Int]?
  public var layout = DataLayout.channelsLast
  public var dilations = [Int](repeating: 1, count: R.rank)
  public var activation = Activation.linear
  public var useBias = true
  public init() {}

  public func weights(for inputs: [TensorType]) throws -> [WeightSpec] {
    let input = try channels(inputs, layout, rank: R.rank)
    let kernel = WeightSpec("kernel", try checked(kernelSize + [filters, input]), path: "vars/0")
    return useBias ? [kernel, WeightSpec("bias", [filters], path: "vars/1")] : [kernel]
  }

  /// Explicit padding and output padding per axis.
  func geometry() -> (before: [Int], after: [Int], extra: [Int]) {
    var before: [Int] = [], after: [Int] = [], extra: [Int] = []
    for axis in 0..<R.rank {
      let span = (kernelSize[axis] - 1) * dilations[axis] + 1, stride = strides[axis]
      let given = outputPadding.flatMap { axis < $0.count ? $0[axis] : nil }
      if padding != .same {
        before.append(0)
        after.append(0)
        extra.append(given ?? max(0, stride - span))
        continue
      }
      // What the input, stretched by the stride, must be padded with on both sides together so that
      // the output has `in · stride` elements (or `(in − 1) · stride + span % 2 + given`).
      let total = given.map { span + span % 2 - 2 + $0 } ?? stride + span - 2
      let left = min(total / 2 + total % 2, span - 1), right = total - left
      before.append(span - 1 - left)
      after.append(max(0, span - 1 - right))
      extra.append(max(0, right - (span - 1)))
    }
    return (before, after, extra)
  }

  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    let (before, after, extra) = geometry()
    let op = ConvTransposeOp(
      strides: strides, dilations: dilations, padding: .explicit(before: before, after: after), outputPadding: extra,
      layout: layout, kernelLayout: .spatialOutputInput)
    let y = try context.apply(op, try call.input(), try call.weight(0), useBias ? try call.weight(1) : nil)
    return [try activation.apply(y, in: &context)]
  }
  public func mask<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value?] { [nil] }
}
public typealias Conv1DTranspose = ConvTranspose<Rank1>
public typealias Conv2DTranspose = ConvTranspose<Rank2>
public typealias Conv3DTranspose = ConvTranspose<Rank3>
