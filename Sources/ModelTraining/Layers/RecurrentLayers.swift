import ModelGraph
import ModelLayers

/// What the recurrent layers have in common.
open class RecurrentBase: StandardLayer {
  var recurrent: (any RecurrentLayer)? { definition as? any RecurrentLayer }
}

/// A long short-term memory over `[batch, time, features]`.
public final class LSTM: RecurrentBase {
  public init(
    _ units: Int, activation: ActivationChoice = .tanh, recurrentActivation: ActivationChoice = .sigmoid, useBias: Bool = true,
    kernelInitializer: InitializerChoice = "glorot_uniform", recurrentInitializer: InitializerChoice = "orthogonal",
    biasInitializer: InitializerChoice? = nil, unitForgetBias: Bool = true, kernelRegularizer: (any Regularizer)? = nil,
    recurrentRegularizer: (any Regularizer)? = nil, biasRegularizer: (any Regularizer)? = nil, dropout: Double = 0,
    recurrentDropout: Double = 0, returnSequences: Bool = false, returnState: Bool = false, goBackwards: Bool = false,
    stateful: Bool = false, seed: Int? = nil, name: String? = nil
  ) {
    var layer = ModelLayers.LSTM()
    layer.cell.units = units
    layer.cell.useBias = useBias
    layer.cell.dropout = dropout
    layer.cell.recurrentDropout = recurrentDropout
    layer.cell.unitForgetBias = unitForgetBias
    layer.options.returnSequences = returnSequences
    layer.options.returnState = returnState
    layer.options.goBackwards = goBackwards
    layer.options.stateful = stateful
    super.init(layer, name: name)
    takeSeed(seed)
    layer.cell.activation = resolve(activation)
    layer.cell.recurrentActivation = resolve(recurrentActivation)
    definition = layer
    set("kernel", kernelInitializer, kernelRegularizer)
    set("recurrent_kernel", recurrentInitializer, recurrentRegularizer)
    set("bias", biasInitializer, biasRegularizer)
  }
}
/// A gated recurrent unit over `[batch, time, features]`.
public final class GRU: RecurrentBase {
  public init(
    _ units: Int, activation: ActivationChoice = .tanh, recurrentActivation: ActivationChoice = .sigmoid, useBias: Bool = true,
    kernelInitializer: InitializerChoice = "glorot_uniform", recurrentInitializer: InitializerChoice = "orthogonal",
    biasInitializer: InitializerChoice? = nil, resetAfter: Bool = true, kernelRegularizer: (any Regularizer)? = nil,
    recurrentRegularizer: (any Regularizer)? = nil, biasRegularizer: (any Regularizer)? = nil, dropout: Double = 0,
    recurrentDropout: Double = 0, returnSequences: Bool = false, returnState: Bool = false, goBackwards: Bool = false,
    stateful: Bool = false, seed: Int? = nil, name: String? = nil
  ) {
    var layer = ModelLayers.GRU()
    layer.cell.units = units
    layer.cell.useBias = useBias
    layer.cell.dropout = dropout
    layer.cell.recurrentDropout = recurrentDropout
    layer.cell.resetAfter = resetAfter
    layer.options.returnSequences = returnSequences
    layer.options.returnState = returnState
    layer.options.goBackwards = goBackwards
    layer.options.stateful = stateful
    super.init(layer, name: name)
    takeSeed(seed)
    layer.cell.activation = resolve(activation)
    layer.cell.recurrentActivation = resolve(recurrentActivation)
    definition = layer
    set("kernel", kernelInitializer, kernelRegularizer)
    set("recurrent_kernel", recurrentInitializer, recurrentRegularizer)
    set("bias", biasInitializer, biasRegularizer)
  }
}
/// A plain recurrent network over `[batch, time, features]`.
public final class SimpleRNN: RecurrentBase {
  public init(
    _ units: Int, activation: ActivationChoice = .tanh, useBias: Bool = true,
    kernelInitializer: InitializerChoice = "glorot_uniform", recurrentInitializer: InitializerChoice = "orthogonal",
    biasInitializer: InitializerChoice? = nil, kernelRegularizer: (any Regularizer)? = nil,
    recurrentRegularizer: (any Regularizer)? = nil, biasRegularizer: (any Regularizer)? = nil, dropout: Double = 0,
    recurrentDropout: Double = 0, returnSequences: Bool = false, returnState: Bool = false, goBackwards: Bool = false,
    stateful: Bool = false, seed: Int? = nil, name: String? = nil
  ) {
    var layer = ModelLayers.SimpleRNN()
    layer.cell.units = units
    layer.cell.useBias = useBias
    layer.cell.dropout = dropout
    layer.cell.recurrentDropout = recurrentDropout
    layer.options.returnSequences = returnSequences
    layer.options.returnState = returnState
    layer.options.goBackwards = goBackwards
    layer.options.stateful = stateful
    super.init(layer, name: name)
    takeSeed(seed)
    layer.cell.activation = resolve(activation)
    definition = layer
    set("kernel", kernelInitializer, kernelRegularizer)
    set("recurrent_kernel", recurrentInitializer, recurrentRegularizer)
    set("bias", biasInitializer, biasRegularizer)
  }
}

/// A recurrent layer run in both directions.
public final class Bidirectional: StandardLayer {
  public enum MergeMode: String, Sendable { case concat, sum, mul, ave }
  /// - Parameter mergeMode: `nil` gives both results.
  public init(_ layer: RecurrentBase, mergeMode: MergeMode? = .concat, name: String? = nil) {
    var both = ModelLayers.Bidirectional()
    if let recurrent = layer.recurrent { both.forward = recurrent }
    both.mergeMode = mergeMode.flatMap { ModelLayers.Bidirectional.MergeMode(rawValue: $0.rawValue) }
    super.init(both, name: name)
    // Both directions start as the layer would.
    options = layer.options
    trouble = layer.trouble
  }
}
/// A layer applied to each step by itself.
public final class TimeDistributed: StandardLayer {
  public init(_ layer: StandardLayer, name: String? = nil) {
    var wrapper = ModelLayers.TimeDistributed()
    wrapper.layer = layer.definition
    super.init(wrapper, name: name)
    options = layer.options
    trouble = layer.trouble
  }
}
