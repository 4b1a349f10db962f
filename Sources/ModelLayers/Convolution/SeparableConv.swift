import ModelGraph
import ModelOps
import ModelTensor

/// A depthwise convolution followed by a pointwise one (Chollet, 2017).
///
/// Weights: `depthwise_kernel` `[spatial…, in, depthMultiplier]`,
/// `pointwise_kernel` `[1…, in · depthMultiplier, filters]`, `bias` `[filters]`.
public struct SeparableConv<R: SpatialRank>: ConfigurableLayer {
  public static var className: String { "SeparableConv\(R.rank)D" }
  public var filters = 1
  public var kernelSize = [Int](repeating: 1, count: R.rank)
  public var strides = [Int](repeating: 1, count: R.rank)
  public var padding = ConvPadding.valid
  public var layout = DataLayout.channelsLast
  public var dilations = [Int](repeating: 1, count: R.rank)
  public var depthMultiplier = 1
  public var activation = Activation.linear
  public var useBias = true
  public init() {}

  public func weights(for inputs: [TensorType]) throws -> [WeightSpec] {
    let input = try channels(inputs, layout, rank: R.rank)
    let depthwise = try checked(kernelSize + [input, depthMultiplier])
    let pointwise = try checked(Array(repeating: 1, count: R.rank) + [input * depthMultiplier, filters])
    var specs = [
      WeightSpec("depthwise_kernel", depthwise, path: "vars/0"),
      WeightSpec("pointwise_kernel", pointwise, path: "vars/1"),
    ]
    if useBias { specs.append(WeightSpec("bias", [filters], path: "vars/2")) }
    return specs
  }
  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    let x = try context.depthwise(
      try call.input(), kernel: try call.weight(0), bias: nil, strides: strides, dilations: dilations,
      padding: padding.resolved(kernel: kernelSize, dilations: dilations), layout: layout)
    let op = ConvOp(layout: layout, kernelLayout: .spatialInputOutput)
    let y = try context.apply(op, x, try call.weight(1), useBias ? try call.weight(2) : nil)
    return [try activation.apply(y, in: &context)]
  }
  public func mask<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value?] { [nil] }
}
public typealias SeparableConv1D = SeparableConv<Rank1>
public typealias SeparableConv2D = SeparableConv<Rank2>
