/// Sets the learning rate at the beginning of each epoch.
public final class LearningRateScheduler: Callback {
  public let schedule: (_ epoch: Int, _ rate: Double) throws -> Double
  public let verbose: Int
  private weak var model: Model?

  /// - Parameter schedule: the rate of an epoch, from its number (counted from 0) and the rate before.
  public init(verbose: Int = 0, _ schedule: @escaping (_ epoch: Int, _ rate: Double) throws -> Double) {
    self.schedule = schedule
    self.verbose = verbose
  }
  /// - Parameter schedule: the rate of an epoch, from its number alone.
  public convenience init(verbose: Int = 0, _ schedule: @escaping (_ epoch: Int) throws -> Double) {
    self.init(verbose: verbose) { epoch, _ in try schedule(epoch) }
  }
  public var wantsBatchLogs: Bool { false }
  public func setModel(_ model: Model) { self.model = model }

  public func onEpochBegin(_ epoch: Int, _ logs: Logs) throws {
    for (label, optimizer) in model?.ratedOptimizers ?? [] {
      let rate = try schedule(epoch, try optimizer.learningRate().item())
      try optimizer.setLearningRate(rate)
      if verbose > 0 {
        Console.print("\nEpoch \(epoch + 1): LearningRateScheduler setting\(label.map { " \($0)" } ?? "") learning rate to \(rate).\n")
      }
    }
  }
  public func onEpochEnd(_ epoch: Int, changing logs: inout Logs) throws { try model?.addLearningRates(to: &logs) }
}

extension Model {
  /// The optimisers that have a learning rate: the model's own, or each of several, which its name tells.
  var ratedOptimizers: [(label: String?, optimizer: any Optimizer)] {
    guard let optimizer else { return [] }
    guard let several = optimizer as? MultiOptimizer else { return [(nil, optimizer)] }
    return several.optimizers.map { ($0.name, $0) }
  }
  /// `learning_rate`, or one figure for each of several optimisers.
  func addLearningRates(to logs: inout Logs) throws {
    for (label, optimizer) in ratedOptimizers {
      logs[label.map { "learning_rate_\($0)" } ?? "learning_rate"] = try optimizer.learningRate().item()
    }
  }
}
