import ModelTensor

extension Fusing {
  /// What is fused into a step; `nil` where nothing can be.
  static func activation(of step: SubgraphFrame.Step) -> ActivationFunctionType? {
    switch step.options {
    case .conv2DOptions(let o): o.fusedActivationFunction
    case .depthwiseConv2DOptions(let o): o.fusedActivationFunction
    case .conv3DOptions(let o): step.builtin == .conv3d ? o.fusedActivationFunction : nil
    case .fullyConnectedOptions(let o): o.fusedActivationFunction
    case .transposeConvOptions(let o): o.fusedActivationFunction
    case .pool2DOptions(let o): o.fusedActivationFunction
    case .addOptions(let o): o.fusedActivationFunction
    case .subOptions(let o): o.fusedActivationFunction
    case .mulOptions(let o): o.fusedActivationFunction
    case .divOptions(let o): o.fusedActivationFunction
    default: nil
    }
  }

  static func setActivation(_ activation: ActivationFunctionType, of step: inout SubgraphFrame.Step) {
    switch step.options {
    case .conv2DOptions(var o):
      o.fusedActivationFunction = activation
      step.options = .conv2DOptions(o)
    case .depthwiseConv2DOptions(var o):
      o.fusedActivationFunction = activation
      step.options = .depthwiseConv2DOptions(o)
    case .conv3DOptions(var o):
      o.fusedActivationFunction = activation
      step.options = .conv3DOptions(o)
    case .fullyConnectedOptions(var o):
      o.fusedActivationFunction = activation
      step.options = .fullyConnectedOptions(o)
    case .transposeConvOptions(var o):
      o.fusedActivationFunction = activation
      step.options = .transposeConvOptions(o)
    case .pool2DOptions(var o):
      o.fusedActivationFunction = activation
      step.options = .pool2DOptions(o)
    case .addOptions(var o):
      o.fusedActivationFunction = activation
      step.options = .addOptions(o)
    case .subOptions(var o):
      o.fusedActivationFunction = activation
      step.options = .subOptions(o)
    case .mulOptions(var o):
      o.fusedActivationFunction = activation
      step.options = .mulOptions(o)
    case .divOptions(var o):
      o.fusedActivationFunction = activation
      step.options = .divOptions(o)
    default: break
    }
  }
}
