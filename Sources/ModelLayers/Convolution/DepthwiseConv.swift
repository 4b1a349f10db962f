import ModelGraph
import ModelOps
import ModelTensor

/// A convolution of each channel by itself with `depthMultiplier` kernels.
///
/// Weights: `kernel` `[spatial…, in, depthMultiplier]`, `bias` `[in · depthMultiplier]`.
public struct DepthwiseConv<R: SpatialRank>: ConfigurableLayer {
  public static var className: String { "DepthwiseConv\(R.rank)D" }
  public var kernelSize = [Int](repeating: 1, count: R.rank)
  public var strides = [Int](repeating: 1, count: R.rank)
  public var padding = ConvPadding.valid
  public var depthMultiplier = 1
  public var layout = DataLayout.channelsLast
  public var dilations = [Int](repeating: 1, count: R.rank)
  public var activation = Activation.linear
  public var useBias = true
  public init() {}

  public func weights(for inputs: [TensorType]) throws -> [WeightSpec] {
    let input = try channels(inputs, layout, rank: R.rank)
    let shape = try checked(kernelSize + [input, depthMultiplier])
    let kernel = WeightSpec("kernel", shape, path: "vars/0")
    return useBias ? [kernel, WeightSpec("bias", [input * depthMultiplier], path: "vars/1")] : [kernel]
  }
  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    let y = try context.depthwise(
      try call.input(), kernel: try call.weight(0), bias: useBias ? try call.weight(1) : nil, strides: strides,
      dilations: dilations, padding: padding.resolved(kernel: kernelSize, dilations: dilations), layout: layout)
    return [try activation.apply(y, in: &context)]
  }
  public func mask<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value?] { [nil] }
}
public typealias DepthwiseConv1D = DepthwiseConv<Rank1>
public typealias DepthwiseConv2D = DepthwiseConv<Rank2>

extension OpContext {
  /// A depthwise convolution as a grouped one: the kernel `[spatial…, in, m]` becomes
  /// `[spatial…, 1, in · m]`.
  mutating func depthwise(
    _ x: Value, kernel: Value, bias: Value?, strides: [Int], dilations: [Int], padding: Padding, layout: DataLayout
  ) throws -> Value {
    let shape = try extents(of: kernel)
    guard shape.count >= 3, let outputs = checkedProduct(Array(shape.suffix(2))) else {
      throw GraphError(.shapeMismatch, "a depthwise kernel of shape \(shape)")
    }
    let grouped = try reshape(kernel, Array(shape.dropLast(2)) + [1, outputs])
    let op = ConvOp(
      strides: strides, dilations: dilations, padding: padding, groups: shape[shape.count - 2], layout: layout,
      kernelLayout: .spatialInputOutput)
    return try apply(op, x, grouped, bias)
  }
}
