import ModelGraph
import ModelLayers
import ModelTensor

public enum DataFormat: String, Sendable {
  case channelsLast = "channels_last", channelsFirst = "channels_first"
  var layout: DataLayout { self == .channelsLast ? .channelsLast : .channelsFirst }
}
/// How a window is kept inside: `.causal` for one-dimensional convolutions only.
public enum WindowPadding: String, Sendable {
  case valid, same, causal
  var definition: ConvPadding { ConvPadding(rawValue: rawValue) ?? .valid }
}
/// One extent for all axes, or one for each: `3`, `[3, 5]`.
public struct Extents: Sendable, ExpressibleByIntegerLiteral, ExpressibleByArrayLiteral {
  private let values: [Int]
  public init(_ values: [Int]) { self.values = values }
  public init(integerLiteral value: Int) { values = [value] }
  public init(arrayLiteral elements: Int...) { values = elements }
  func filled(_ rank: Int) -> [Int] { values.count == 1 ? Array(repeating: values[0], count: rank) : values }
}

/// What the convolutions of each rank have in common.
open class ConvolutionLayer: StandardLayer {
  init<R: SpatialRank>(
    rank: R.Type, filters: Int, kernelSize: Extents, strides: Extents, padding: WindowPadding, dataFormat: DataFormat,
    dilationRate: Extents,
    groups: Int, activation: ActivationChoice, useBias: Bool, kernelInitializer: InitializerChoice, biasInitializer: InitializerChoice,
    kernelRegularizer: (any Regularizer)?, biasRegularizer: (any Regularizer)?, kernelConstraint: (any Constraint)?,
    biasConstraint: (any Constraint)?, name: String?
  ) {
    var layer = ModelLayers.Conv<R>()
    layer.filters = filters
    layer.kernelSize = kernelSize.filled(R.rank)
    layer.strides = strides.filled(R.rank)
    layer.padding = padding.definition
    layer.layout = dataFormat.layout
    layer.dilations = dilationRate.filled(R.rank)
    layer.groups = groups
    layer.useBias = useBias
    super.init(layer, name: name)
    layer.activation = resolve(activation)
    definition = layer
    set("kernel", kernelInitializer, kernelRegularizer, kernelConstraint)
    set("bias", biasInitializer, biasRegularizer, biasConstraint)
  }
}
public final class Conv1D: ConvolutionLayer {
  public init(
    _ filters: Int, _ kernelSize: Extents, strides: Extents = 1, padding: WindowPadding = .valid, dataFormat: DataFormat = .channelsLast,
    dilationRate: Extents = 1, groups: Int = 1, activation: ActivationChoice = .linear, useBias: Bool = true,
    kernelInitializer: InitializerChoice = "glorot_uniform", biasInitializer: InitializerChoice = "zeros",
    kernelRegularizer: (any Regularizer)? = nil, biasRegularizer: (any Regularizer)? = nil, kernelConstraint: (any Constraint)? = nil,
    biasConstraint: (any Constraint)? = nil, name: String? = nil
  ) {
    super.init(
      rank: Rank1.self, filters: filters, kernelSize: kernelSize, strides: strides, padding: padding, dataFormat: dataFormat,
      dilationRate: dilationRate, groups: groups, activation: activation, useBias: useBias, kernelInitializer: kernelInitializer,
      biasInitializer: biasInitializer, kernelRegularizer: kernelRegularizer, biasRegularizer: biasRegularizer,
      kernelConstraint: kernelConstraint, biasConstraint: biasConstraint, name: name)
  }
}
public final class Conv2D: ConvolutionLayer {
  public init(
    _ filters: Int, _ kernelSize: Extents, strides: Extents = 1, padding: WindowPadding = .valid, dataFormat: DataFormat = .channelsLast,
    dilationRate: Extents = 1, groups: Int = 1, activation: ActivationChoice = .linear, useBias: Bool = true,
    kernelInitializer: InitializerChoice = "glorot_uniform", biasInitializer: InitializerChoice = "zeros",
    kernelRegularizer: (any Regularizer)? = nil, biasRegularizer: (any Regularizer)? = nil, kernelConstraint: (any Constraint)? = nil,
    biasConstraint: (any Constraint)? = nil, name: String? = nil
  ) {
    super.init(
      rank: Rank2.self, filters: filters, kernelSize: kernelSize, strides: strides, padding: padding, dataFormat: dataFormat,
      dilationRate: dilationRate, groups: groups, activation: activation, useBias: useBias, kernelInitializer: kernelInitializer,
      biasInitializer: biasInitializer, kernelRegularizer: kernelRegularizer, biasRegularizer: biasRegularizer,
      kernelConstraint: kernelConstraint, biasConstraint: biasConstraint, name: name)
  }
}
public final class Conv3D: ConvolutionLayer {
  public init(
    _ filters: Int, _ kernelSize: Extents, strides: Extents = 1, padding: WindowPadding = .valid, dataFormat: DataFormat = .channelsLast,
    dilationRate: Extents = 1, groups: Int = 1, activation: ActivationChoice = .linear, useBias: Bool = true,
    kernelInitializer: InitializerChoice = "glorot_uniform", biasInitializer: InitializerChoice = "zeros",
    kernelRegularizer: (any Regularizer)? = nil, biasRegularizer: (any Regularizer)? = nil, kernelConstraint: (any Constraint)? = nil,
    biasConstraint: (any Constraint)? = nil, name: String? = nil
  ) {
    super.init(
      rank: Rank3.self, filters: filters, kernelSize: kernelSize, strides: strides, padding: padding, dataFormat: dataFormat,
      dilationRate: dilationRate, groups: groups, activation: activation, useBias: useBias, kernelInitializer: kernelInitializer,
      biasInitializer: biasInitializer, kernelRegularizer: kernelRegularizer, biasRegularizer: biasRegularizer,
      kernelConstraint: kernelConstraint, biasConstraint: biasConstraint, name: name)
  }
}
public final class Conv1DTranspose: StandardLayer {
  public init(
    _ filters: Int, _ kernelSize: Extents, strides: Extents = 1, padding: WindowPadding = .valid, dataFormat: DataFormat = .channelsLast,
    dilationRate: Extents = 1, activation: ActivationChoice = .linear, useBias: Bool = true,
    kernelInitializer: InitializerChoice = "glorot_uniform", biasInitializer: InitializerChoice = "zeros", name: String? = nil
  ) {
    var layer = ModelLayers.Conv1DTranspose()
    layer.filters = filters
    layer.kernelSize = kernelSize.filled(1)
    layer.strides = strides.filled(1)
    layer.padding = padding.definition
    layer.layout = dataFormat.layout
    layer.dilations = dilationRate.filled(1)
    layer.useBias = useBias
    super.init(layer, name: name)
    layer.activation = resolve(activation)
    definition = layer
    set("kernel", kernelInitializer)
    set("bias", biasInitializer)
  }
}
public final class Conv2DTranspose: StandardLayer {
  public init(
    _ filters: Int, _ kernelSize: Extents, strides: Extents = 1, padding: WindowPadding = .valid, dataFormat: DataFormat = .channelsLast,
    dilationRate: Extents = 1, activation: ActivationChoice = .linear, useBias: Bool = true,
    kernelInitializer: InitializerChoice = "glorot_uniform", biasInitializer: InitializerChoice = "zeros", name: String? = nil
  ) {
    var layer = ModelLayers.Conv2DTranspose()
    layer.filters = filters
    layer.kernelSize = kernelSize.filled(2)
    layer.strides = strides.filled(2)
    layer.padding = padding.definition
    layer.layout = dataFormat.layout
    layer.dilations = dilationRate.filled(2)
    layer.useBias = useBias
    super.init(layer, name: name)
    layer.activation = resolve(activation)
    definition = layer
    set("kernel", kernelInitializer)
    set("bias", biasInitializer)
  }
}
public final class Conv3DTranspose: StandardLayer {
  public init(
    _ filters: Int, _ kernelSize: Extents, strides: Extents = 1, padding: WindowPadding = .valid, dataFormat: DataFormat = .channelsLast,
    dilationRate: Extents = 1, activation: ActivationChoice = .linear, useBias: Bool = true,
    kernelInitializer: InitializerChoice = "glorot_uniform", biasInitializer: InitializerChoice = "zeros", name: String? = nil
  ) {
    var layer = ModelLayers.Conv3DTranspose()
    layer.filters = filters
    layer.kernelSize = kernelSize.filled(3)
    layer.strides = strides.filled(3)
    layer.padding = padding.definition
    layer.layout = dataFormat.layout
    layer.dilations = dilationRate.filled(3)
    layer.useBias = useBias
    super.init(layer, name: name)
    layer.activation = resolve(activation)
    definition = layer
    set("kernel", kernelInitializer)
    set("bias", biasInitializer)
  }
}
public final class DepthwiseConv1D: StandardLayer {
  public init(
    _ kernelSize: Extents, strides: Extents = 1, padding: WindowPadding = .valid, depthMultiplier: Int = 1,
    dataFormat: DataFormat = .channelsLast, dilationRate: Extents = 1, activation: ActivationChoice = .linear, useBias: Bool = true,
    depthwiseInitializer: InitializerChoice = "glorot_uniform", biasInitializer: InitializerChoice = "zeros", name: String? = nil
  ) {
    var layer = ModelLayers.DepthwiseConv1D()
    layer.kernelSize = kernelSize.filled(1)
    layer.strides = strides.filled(1)
    layer.padding = padding.definition
    layer.depthMultiplier = depthMultiplier
    layer.layout = dataFormat.layout
    layer.dilations = dilationRate.filled(1)
    layer.useBias = useBias
    super.init(layer, name: name)
    layer.activation = resolve(activation)
    definition = layer
    set("kernel", depthwiseInitializer)
    set("bias", biasInitializer)
  }
}
public final class SeparableConv1D: StandardLayer {
  public init(
    _ filters: Int, _ kernelSize: Extents, strides: Extents = 1, padding: WindowPadding = .valid, depthMultiplier: Int = 1,
    dataFormat: DataFormat = .channelsLast, dilationRate: Extents = 1, activation: ActivationChoice = .linear, useBias: Bool = true,
    depthwiseInitializer: InitializerChoice = "glorot_uniform", pointwiseInitializer: InitializerChoice = "glorot_uniform",
    biasInitializer: InitializerChoice = "zeros", name: String? = nil
  ) {
    var layer = ModelLayers.SeparableConv1D()
    layer.filters = filters
    layer.kernelSize = kernelSize.filled(1)
    layer.strides = strides.filled(1)
    layer.padding = padding.definition
    layer.depthMultiplier = depthMultiplier
    layer.layout = dataFormat.layout
    layer.dilations = dilationRate.filled(1)
    layer.useBias = useBias
    super.init(layer, name: name)
    layer.activation = resolve(activation)
    definition = layer
    set("depthwise_kernel", depthwiseInitializer)
    set("pointwise_kernel", pointwiseInitializer)
    set("bias", biasInitializer)
  }
}
public final class DepthwiseConv2D: StandardLayer {
  public init(
    _ kernelSize: Extents, strides: Extents = 1, padding: WindowPadding = .valid, depthMultiplier: Int = 1,
    dataFormat: DataFormat = .channelsLast, dilationRate: Extents = 1, activation: ActivationChoice = .linear, useBias: Bool = true,
    depthwiseInitializer: InitializerChoice = "glorot_uniform", biasInitializer: InitializerChoice = "zeros", name: String? = nil
  ) {
    var layer = ModelLayers.DepthwiseConv2D()
    layer.kernelSize = kernelSize.filled(2)
    layer.strides = strides.filled(2)
    layer.padding = padding.definition
    layer.depthMultiplier = depthMultiplier
    layer.layout = dataFormat.layout
    layer.dilations = dilationRate.filled(2)
    layer.useBias = useBias
    super.init(layer, name: name)
    layer.activation = resolve(activation)
    definition = layer
    set("kernel", depthwiseInitializer)
    set("bias", biasInitializer)
  }
}
public final class SeparableConv2D: StandardLayer {
  public init(
    _ filters: Int, _ kernelSize: Extents, strides: Extents = 1, padding: WindowPadding = .valid, depthMultiplier: Int = 1,
    dataFormat: DataFormat = .channelsLast, dilationRate: Extents = 1, activation: ActivationChoice = .linear, useBias: Bool = true,
    depthwiseInitializer: InitializerChoice = "glorot_uniform", pointwiseInitializer: InitializerChoice = "glorot_uniform",
    biasInitializer: InitializerChoice = "zeros", name: String? = nil
  ) {
    var layer = ModelLayers.SeparableConv2D()
    layer.filters = filters
    layer.kernelSize = kernelSize.filled(2)
    layer.strides = strides.filled(2)
    layer.padding = padding.definition
    layer.depthMultiplier = depthMultiplier
    layer.layout = dataFormat.layout
    layer.dilations = dilationRate.filled(2)
    layer.useBias = useBias
    super.init(layer, name: name)
    layer.activation = resolve(activation)
    definition = layer
    set("depthwise_kernel", depthwiseInitializer)
    set("pointwise_kernel", pointwiseInitializer)
    set("bias", biasInitializer)
  }
}
