import ModelLayers
import ModelTensor

/// `activation(x · kernel + bias)` over the last axis.
public final class Dense: StandardLayer {
  public init(
    _ units: Int, activation: ActivationChoice = .linear, useBias: Bool = true, kernelInitializer: InitializerChoice = "glorot_uniform",
    biasInitializer: InitializerChoice = "zeros", kernelRegularizer: (any Regularizer)? = nil, biasRegularizer: (any Regularizer)? = nil,
    activityRegularizer: (any Regularizer)? = nil, kernelConstraint: (any Constraint)? = nil, biasConstraint: (any Constraint)? = nil,
    name: String? = nil
  ) {
    super.init(ModelLayers.Dense(units: units, useBias: useBias), name: name)
    definition = ModelLayers.Dense(units: units, activation: resolve(activation), useBias: useBias)
    set("kernel", kernelInitializer, kernelRegularizer, kernelConstraint)
    set("bias", biasInitializer, biasRegularizer, biasConstraint)
    self.activityRegularizer = activityRegularizer
  }
}

/// Rows of a table: integers to vectors. With `maskZero`, index 0 is masked.
public final class Embedding: StandardLayer {
  public init(
    _ inputDim: Int, _ outputDim: Int, embeddingsInitializer: InitializerChoice = "uniform",
    embeddingsRegularizer: (any Regularizer)? = nil,
    embeddingsConstraint: (any Constraint)? = nil, maskZero: Bool = false, name: String? = nil
  ) {
    var layer = ModelLayers.Embedding()
    layer.inputDim = inputDim
    layer.outputDim = outputDim
    layer.maskZero = maskZero
    super.init(layer, name: name)
    set("embeddings", embeddingsInitializer, embeddingsRegularizer, embeddingsConstraint)
  }
}

/// Contracts its input with a kernel as an equation says.
public final class EinsumDense: StandardLayer {
  public init(
    _ equation: String, outputShape: [Int?], activation: ActivationChoice = .linear, biasAxes: String? = nil,
    kernelInitializer: InitializerChoice = "glorot_uniform", biasInitializer: InitializerChoice = "zeros", name: String? = nil
  ) {
    super.init(ModelLayers.EinsumDense(equation: equation, outputShape: outputShape), name: name)
    definition = ModelLayers.EinsumDense(equation: equation, outputShape: outputShape, biasAxes: biasAxes, activation: resolve(activation))
    set("kernel", kernelInitializer)
    set("bias", biasInitializer)
  }
}

public final class Masking: StandardLayer {
  public init(maskValue: Double = 0, name: String? = nil) {
    var layer = ModelLayers.Masking()
    layer.maskValue = maskValue
    super.init(layer, name: name)
  }
}

public final class Identity: StandardLayer {
  public init(name: String? = nil) { super.init(ModelLayers.Identity(), name: name) }
}

/// An activation as a layer: `ActivationLayer("relu")` (Keras's `Activation`).
public final class ActivationLayer: StandardLayer {
  public init(_ activation: ActivationChoice, name: String? = nil) {
    super.init(ModelLayers.ActivationLayer(.linear), name: name)
    definition = ModelLayers.ActivationLayer(resolve(activation))
  }
}
public final class ReLU: StandardLayer {
  public init(maxValue: Double? = nil, negativeSlope: Double = 0, threshold: Double = 0, name: String? = nil) {
    var layer = ModelLayers.ReLU()
    layer.maxValue = maxValue
    layer.negativeSlope = negativeSlope
    layer.threshold = threshold
    super.init(layer, name: name)
  }
}
public final class LeakyReLU: StandardLayer {
  public init(negativeSlope: Double = 0.3, name: String? = nil) {
    var layer = ModelLayers.LeakyReLU()
    layer.negativeSlope = negativeSlope
    super.init(layer, name: name)
  }
}
public final class ELU: StandardLayer {
  public init(alpha: Double = 1, name: String? = nil) {
    var layer = ModelLayers.ELU()
    layer.alpha = alpha
    super.init(layer, name: name)
  }
}
public final class PReLU: StandardLayer {
  public init(alphaInitializer: InitializerChoice = "zeros", sharedAxes: [Int]? = nil, name: String? = nil) {
    var layer = ModelLayers.PReLU()
    layer.sharedAxes = sharedAxes
    super.init(layer, name: name)
    set("alpha", alphaInitializer)
  }
}
public final class Softmax: StandardLayer {
  public init(axis: Int = -1, name: String? = nil) { super.init(ModelLayers.Softmax(axes: [axis]), name: name) }
}

public final class Dropout: StandardLayer {
  public init(_ rate: Double, noiseShape: [Int?]? = nil, seed: Int? = nil, name: String? = nil) {
    var layer = ModelLayers.Dropout()
    layer.rate = rate
    layer.noiseShape = noiseShape
    layer.seed = seed
    super.init(layer, name: name)
  }
}
public final class SpatialDropout1D: StandardLayer {
  public init(_ rate: Double, seed: Int? = nil, name: String? = nil) {
    var layer = ModelLayers.SpatialDropout1D()
    layer.rate = rate
    layer.seed = seed
    super.init(layer, name: name)
  }
}
public final class SpatialDropout2D: StandardLayer {
  public init(_ rate: Double, dataFormat: DataFormat = .channelsLast, seed: Int? = nil, name: String? = nil) {
    var layer = ModelLayers.SpatialDropout2D()
    layer.rate = rate
    layer.layout = dataFormat.layout
    layer.seed = seed
    super.init(layer, name: name)
  }
}
public final class GaussianNoise: StandardLayer {
  public init(_ stddev: Double, seed: Int? = nil, name: String? = nil) {
    var layer = ModelLayers.GaussianNoise()
    layer.stddev = stddev
    layer.seed = seed
    super.init(layer, name: name)
  }
}
public final class GaussianDropout: StandardLayer {
  public init(_ rate: Double, seed: Int? = nil, name: String? = nil) {
    var layer = ModelLayers.GaussianDropout()
    layer.rate = rate
    layer.seed = seed
    super.init(layer, name: name)
  }
}
public final class AlphaDropout: StandardLayer {
  public init(_ rate: Double, noiseShape: [Int?]? = nil, seed: Int? = nil, name: String? = nil) {
    var layer = ModelLayers.AlphaDropout()
    layer.rate = rate
    layer.noiseShape = noiseShape
    layer.seed = seed
    super.init(layer, name: name)
  }
}

/// Passes its input on, and adds a penalty on it to the loss.
public final class ActivityRegularization: StandardLayer {
  public init(l1: Double = 0, l2: Double = 0, name: String? = nil) {
    var layer = ModelLayers.ActivityRegularization()
    layer.l1 = l1
    layer.l2 = l2
    super.init(layer, name: name)
  }
}
