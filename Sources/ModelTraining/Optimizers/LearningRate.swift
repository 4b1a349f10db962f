/// What an optimiser takes as its learning rate: a number, or a schedule.
public protocol LearningRate: Sendable {}
extension Double: LearningRate {}
