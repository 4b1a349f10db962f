import ModelGraph
import ModelOps
import ModelTensor

/// What is done to the results of a convolution or product, in order: first scales and shifts, then one
/// addition of a tensor, then an activation.
struct EpilogueChain: Sendable {
  enum Step: Sendable {
    /// Multiplies by, or adds, input `index` of the fused node: one element, or one for each channel.
    case multiply(Int), add(Int), subtract(Int), divide(Int)
    /// The four weights of a BatchNormalization, as inputs of the fused node.
    case normalize(BatchNormalizationOp, scale: Int?, bias: Int?, mean: Int, variance: Int)
  }
  enum Activation: Sendable { case relu, reluUpTo(Float), silu }
  enum Link {
    case operands([ValueID])
    case residual(ValueID)
    case nothing
  }
  let channels: Int, channelAxis: Int, rank: Int
  var steps: [Step] = []
  /// The input that is added as a tensor.
  var residual: Int?
  var activation: Activation?

  init(channels: Int, channelAxis: Int, rank: Int) {
    self.channels = channels
    self.channelAxis = channelAxis
    self.rank = rank
  }

  /// Takes `user` along, which uses `value`; `nil` when it can't be.
  ///
  /// - Parameter inputs: how many inputs the fused node has so far; operands are added behind them.
  mutating func link(_ user: Node, _ value: ValueID, inputs: Int, constant: (ValueID?) -> Tensor?) -> Link? {
    switch user.op {
    case is ReluOp:
      activation = .relu
      return .nothing
    case let op as SiluOp where op.alpha == 1:
      activation = .silu
      return .nothing
    case is ClipOp:
      guard user.inputs.count == 3, user.inputs[0] == value, scalar(constant(user.inputs[1])) == 0,
        let top = scalar(constant(user.inputs[2])), top > 0
      else { return nil }
      activation = .reluUpTo(top)
      return .nothing
    case let op as BatchNormalizationOp:
      guard residual == nil, user.inputs.count == 5, user.inputs[0] == value, op.axis == channelAxis || op.axis + rank == channelAxis
      else { return nil }
      var operands: [ValueID] = []
      func place(_ index: Int) -> Int? {
        guard let input = user.inputs[index] else { return nil }
        operands.append(input)
        return inputs + operands.count - 1
      }
      for input in user.inputs.dropFirst() where input != nil {
        guard let tensor = constant(input), tensor.dtype == .float32, tensor.elementCount == channels else { return nil }
      }
      let scale = place(1), bias = place(2)
      guard let mean = place(3), let variance = place(4) else { return nil }
      steps.append(.normalize(op, scale: scale, bias: bias, mean: mean, variance: variance))
      return .operands(operands)
    case is AddOp, is MulOp, is SubOp, is DivOp:
      guard user.inputs.count == 2, let a = user.inputs[0], let b = user.inputs[1], a != b else { return nil }
      let other = a == value ? b : a, isFirst = a == value
      if let tensor = constant(other) {
        guard residual == nil, tensor.dtype == .float32, fits(tensor.extents) else { return nil }
        switch user.op {
        case is AddOp: steps.append(.add(inputs))
        case is MulOp: steps.append(.multiply(inputs))
        case is SubOp where isFirst: steps.append(.subtract(inputs))
        case is DivOp where isFirst: steps.append(.divide(inputs))
        default: return nil
        }
        return .operands([other])
      }
      guard user.op is AddOp, residual == nil else { return nil }
      return .residual(other)
    default: return nil
    }
  }

  /// One element, or one for each channel where the channels stand; never more axes than the result has.
  private func fits(_ extents: [Int]) -> Bool {
    guard extents.count <= rank else { return false }
    if extents.allSatisfy({ $0 == 1 }) { return true }
    let axis = channelAxis - (rank - extents.count)
    return extents.indices.contains(axis) && extents[axis] == channels
      && extents.indices.allSatisfy { $0 == axis || extents[$0] == 1 }
  }

  private func scalar(_ tensor: Tensor?) -> Float? {
    guard let tensor, tensor.dtype == .float32, tensor.elementCount == 1 else { return nil }
    return (try? tensor.array())?.values(Float.self).first
  }
}
