/// Adam with weight decay apart from the gradient (Loshchilov and Hutter, 2019).
public final class AdamW: Adam {
  public init(
    learningRate: any LearningRate = 0.001, weightDecay: Double = 0.004, beta1: Double = 0.9, beta2: Double = 0.999,
    epsilon: Double = 1e-7, amsgrad: Bool = false, _ options: OptimizerOption...
  ) throws {
    try super.init(
      learningRate: learningRate, beta1: beta1, beta2: beta2, epsilon: epsilon, amsgrad: amsgrad,
      options: [.weightDecay(weightDecay)] + options)
  }
  init(learningRate: any LearningRate, beta1: Double, beta2: Double, epsilon: Double, amsgrad: Bool, all options: [OptimizerOption]) throws
  {
    try super.init(learningRate: learningRate, beta1: beta1, beta2: beta2, epsilon: epsilon, amsgrad: amsgrad, options: options)
  }
}
