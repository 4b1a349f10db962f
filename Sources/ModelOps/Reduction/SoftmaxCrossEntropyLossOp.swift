import ModelGraph

/// The negative log likelihood of the softmax along axis 1.
///
/// Inputs as `NegativeLogLikelihoodLossOp`, with scores for logarithms of probabilities. Results: the loss, and with
/// `resultCount` 2 the logarithms of the probabilities.
public struct SoftmaxCrossEntropyLossOp: CompositeOp {
  public static let name = "SoftmaxCrossEntropyLoss"
  public static let family = OpFamily.reduction
  public var reduction: LossReduction
  public var ignoreIndex: Int?
  public var resultCount: Int
  public init(reduction: LossReduction = .mean, ignoreIndex: Int? = nil, resultCount: Int = 1) {
    self.reduction = reduction
    self.ignoreIndex = ignoreIndex
    self.resultCount = resultCount
  }
  public func decompose<C: OpContext>(_ inputs: [C.Value?], in context: inout C) throws -> [C.Value] {
    guard inputs.count >= 2, let scores = inputs[0], let target = inputs[1] else {
      throw GraphError(.wrongInputCount, "SoftmaxCrossEntropyLoss takes scores and targets")
    }
    let logarithms = try context.apply(LogSoftmaxOp(axis: 1), scores)
    let loss = try context.apply(
      NegativeLogLikelihoodLossOp(reduction: reduction, ignoreIndex: ignoreIndex), logarithms, target,
      inputs.count > 2 ? inputs[2] : nil)
    return resultCount >= 2 ? [loss, logarithms] : [loss]
  }
}
