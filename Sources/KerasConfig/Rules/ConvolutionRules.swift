import ModelLayers
import ModelSupport

extension LayerRules {
  static let convolutionRules: [LayerRule] =
    [
      conv(Rank1.self, aliases: ["Convolution1D"]), conv(Rank2.self, aliases: ["Convolution2D", "AtrousConvolution2D"]),
      conv(Rank3.self, aliases: ["Convolution3D"]),
      transpose(Rank1.self, aliases: ["Convolution1DTranspose"]),
      transpose(Rank2.self, aliases: ["Convolution2DTranspose", "Deconvolution2D", "Deconv2D"]),
      transpose(Rank3.self, aliases: ["Convolution3DTranspose", "Deconvolution3D", "Deconv3D"]),
      depthwise(Rank1.self), depthwise(Rank2.self),
      separable(Rank1.self, aliases: ["SeparableConvolution1D"]),
      separable(Rank2.self, aliases: ["SeparableConvolution2D"]),
      local(Rank1.self), local(Rank2.self),
    ]

  /// Of Keras 1 and 2 alone.
  private static func local<R: SpatialRank>(_: R.Type) -> LayerRule {
    LayerRule(
      LocallyConnected<R>.self,
      rows: [
        count("filters", \.filters, also: ["nb_filter"]),
        perAxis("kernel_size", \.kernelSize, rank: R.rank, required: true),
        perAxis("strides", \.strides, rank: R.rank), row("padding", \.padding), row("data_format", \.layout),
        row("activation", \.activation), row("use_bias", \.useBias), count("implementation", \.implementation, optional: true),
      ]
    ) { layer in
      guard (1...3).contains(layer.implementation), layer.padding == .valid || layer.padding == .same && layer.implementation > 1 else {
        throw ConfigMismatch(expected: "an implementation of 1 to 3, and padding valid for the first")
      }
    }
  }

  private static func conv<R: SpatialRank>(_: R.Type, aliases: [String]) -> LayerRule {
    LayerRule(
      Conv<R>.self, aliases: aliases,
      rows: [
        count("filters", \.filters, also: ["nb_filter"]),
        perAxis("kernel_size", \.kernelSize, rank: R.rank, required: true),
        perAxis("strides", \.strides, rank: R.rank),
        row("padding", \.padding), row("data_format", \.layout),
        perAxis("dilation_rate", \.dilations, rank: R.rank),
        count("groups", \.groups, optional: true), row("activation", \.activation), row("use_bias", \.useBias),
      ]
    ) { layer in
      guard layer.padding != .causal || R.rank == 1 else { throw ConfigMismatch(expected: "causal padding on one axis only") }
    }
  }

  private static func transpose<R: SpatialRank>(_: R.Type, aliases: [String]) -> LayerRule {
    LayerRule(
      ConvTranspose<R>.self, aliases: aliases,
      rows: [
        count("filters", \.filters),
        perAxis("kernel_size", \.kernelSize, rank: R.rank, required: true),
        perAxis("strides", \.strides, rank: R.rank),
        row("padding", \.padding), perAxis("output_padding", \.outputPadding, rank: R.rank, minimum: 0),
        row("data_format", \.layout),
        perAxis("dilation_rate", \.dilations, rank: R.rank), row("activation", \.activation), row("use_bias", \.useBias),
      ]
    ) { layer in
      guard layer.padding != .causal else { throw ConfigMismatch(expected: "padding valid or same") }
    }
  }

  private static func depthwise<R: SpatialRank>(_: R.Type) -> LayerRule {
    LayerRule(
      DepthwiseConv<R>.self,
      rows: [
        perAxis("kernel_size", \.kernelSize, rank: R.rank, required: true),
        perAxis("strides", \.strides, rank: R.rank),
        row("padding", \.padding), count("depth_multiplier", \.depthMultiplier, optional: true),
        row("data_format", \.layout),
        perAxis("dilation_rate", \.dilations, rank: R.rank), row("activation", \.activation), row("use_bias", \.useBias),
      ]
    ) { layer in
      guard layer.padding != .causal || R.rank == 1 else { throw ConfigMismatch(expected: "causal padding on one axis only") }
    }
  }

  private static func separable<R: SpatialRank>(_: R.Type, aliases: [String]) -> LayerRule {
    LayerRule(
      SeparableConv<R>.self, aliases: aliases,
      rows: [
        count("filters", \.filters),
        perAxis("kernel_size", \.kernelSize, rank: R.rank, required: true),
        perAxis("strides", \.strides, rank: R.rank),
        row("padding", \.padding), row("data_format", \.layout),
        perAxis("dilation_rate", \.dilations, rank: R.rank),
        count("depth_multiplier", \.depthMultiplier, optional: true),
        row("activation", \.activation), row("use_bias", \.useBias),
      ]
    ) { layer in
      guard layer.padding != .causal || R.rank == 1 else { throw ConfigMismatch(expected: "causal padding on one axis only") }
    }
  }
}
