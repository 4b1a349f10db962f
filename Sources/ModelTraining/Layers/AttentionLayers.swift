import ModelGraph
import ModelLayers

/// Attention with several heads: call it on `[query, value]`, with `key` by name if it is another tensor.
public final class MultiHeadAttention: StandardLayer {
  public init(
    numHeads: Int, keyDim: Int, valueDim: Int? = nil, dropout: Double = 0, useBias: Bool = true, outputShape: [Int]? = nil,
    kernelInitializer: InitializerChoice = "glorot_uniform", biasInitializer: InitializerChoice = "zeros", name: String? = nil
  ) {
    var layer = ModelLayers.MultiHeadAttention()
    layer.heads = numHeads
    layer.keyDim = keyDim
    layer.valueDim = valueDim
    layer.dropout = dropout
    layer.useBias = useBias
    layer.outputShape = outputShape
    super.init(layer, name: name)
    set("kernel", kernelInitializer)
    set("bias", biasInitializer)
  }
}
/// Dot-product attention: call it on `[query, value]` or `[query, value, key]`.
public final class Attention: StandardLayer {
  public init(useScale: Bool = false, dropout: Double = 0, name: String? = nil) {
    var layer = ModelLayers.Attention()
    layer.useScale = useScale
    layer.dropout = dropout
    super.init(layer, name: name)
    set("scale", "ones")
  }
}
public final class AdditiveAttention: StandardLayer {
  public init(useScale: Bool = true, dropout: Double = 0, name: String? = nil) {
    var layer = ModelLayers.AdditiveAttention()
    layer.useScale = useScale
    layer.dropout = dropout
    super.init(layer, name: name)
  }
}
