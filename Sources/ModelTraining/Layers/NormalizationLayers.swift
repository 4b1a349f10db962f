import ModelLayers

/// Normalises each channel by the batch's mean and variance while it trains, by moving ones otherwise.
public final class BatchNormalization: StandardLayer {
  public init(
    axis: Int = -1, momentum: Double = 0.99, epsilon: Double = 1e-3, center: Bool = true, scale: Bool = true,
    betaInitializer: InitializerChoice = "zeros", gammaInitializer: InitializerChoice = "ones",
    movingMeanInitializer: InitializerChoice = "zeros", movingVarianceInitializer: InitializerChoice = "ones",
    betaRegularizer: (any Regularizer)? = nil, gammaRegularizer: (any Regularizer)? = nil, betaConstraint: (any Constraint)? = nil,
    gammaConstraint: (any Constraint)? = nil, name: String? = nil
  ) {
    var layer = ModelLayers.BatchNormalization()
    layer.axis = axis
    layer.momentum = momentum
    layer.epsilon = epsilon
    layer.center = center
    layer.scale = scale
    super.init(layer, name: name)
    set("beta", betaInitializer, betaRegularizer, betaConstraint)
    set("gamma", gammaInitializer, gammaRegularizer, gammaConstraint)
    set("moving_mean", movingMeanInitializer)
    set("moving_variance", movingVarianceInitializer)
  }
}
public final class LayerNormalization: StandardLayer {
  public init(
    axis: [Int] = [-1], epsilon: Double = 1e-3, center: Bool = true, scale: Bool = true, betaInitializer: InitializerChoice = "zeros",
    gammaInitializer: InitializerChoice = "ones", name: String? = nil
  ) {
    var layer = ModelLayers.LayerNormalization()
    layer.axes = axis
    layer.epsilon = epsilon
    layer.center = center
    layer.scale = scale
    super.init(layer, name: name)
    set("beta", betaInitializer)
    set("gamma", gammaInitializer)
  }
}
public final class GroupNormalization: StandardLayer {
  public init(groups: Int = 32, axis: Int = -1, epsilon: Double = 1e-3, center: Bool = true, scale: Bool = true, name: String? = nil) {
    var layer = ModelLayers.GroupNormalization()
    layer.groups = groups
    layer.axis = axis
    layer.epsilon = epsilon
    layer.center = center
    layer.scale = scale
    super.init(layer, name: name)
  }
}
public final class UnitNormalization: StandardLayer {
  public init(name: String? = nil) { super.init(ModelLayers.UnitNormalization(), name: name) }
}
public final class RMSNormalization: StandardLayer {
  public init(name: String? = nil) { super.init(ModelLayers.RMSNormalization(), name: name) }
}
