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

  /// The one number of a constant operand, and the other operand, whose shape the result has.
  private func bound(_ place: Int) -> (number: Float, other: Int)? {
    let step = frame.steps[place]
    guard step.inputs.count == 2, let output = step.outputs.first, frame.entries[output].type.dtype == .float32 else { return nil }
    for (constant, other) in [(1, 0), (0, 1)] {
      guard let tensor = frame.entries[step.inputs[constant]].constant, tensor.dtype == .float32, tensor.elementCount == 1,
        frame.entries[step.inputs[other]].constant == nil,
        frame.entries[step.inputs[other]].type.shape == frame.entries[output].type.shape,
        let number = try? tensor.array().values(Float.self).first
      else { continue }
      return (number, step.inputs[other])
    }
    return nil
  }

  /// The greater of a number and zero is RELU, whose result has a quantisation of its own.
  mutating func rectify(_ place: Int) -> Bool {
    guard let (number, other) = bound(place), number == 0 else { return false }
    frame.steps[place].builtin = .relu
    frame.steps[place].inputs = [other]
    frame.steps[place].options = .none
    return true
  }

  /// The lesser of what was rectified and 6 is RELU6.
  mutating func clampRectified(_ place: Int) -> Bool {
    guard let (number, other) = bound(place), number == 6, let before = soleProducer(other) else { return false }
    if frame.steps[before].builtin == .relu {
      frame.steps[before].builtin = .relu6
    } else if Self.activation(of: frame.steps[before]) == .relu {
      Self.setActivation(.relu6, of: &frame.steps[before])
    } else {
      return false
    }
    take(place, into: before)
    return true
  }
}
