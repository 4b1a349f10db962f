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
  public var wantsBatchLogs: Bool { false }
  public func setModel(_ model: Model) { self.model = model }

  public func onEpochBegin(_ epoch: Int, _ logs: Logs) throws {
    guard let optimizer = model?.optimizer else { return }
    let rate = try schedule(epoch, try optimizer.learningRate().item())
    try optimizer.setLearningRate(rate)
    if verbose > 0 { Console.print("\nEpoch \(epoch + 1): LearningRateScheduler setting learning rate to \(rate).\n") }
  }
  public func onEpochEnd(_ epoch: Int, changing logs: inout Logs) throws {
    if let rate = try model?.optimizer?.learningRate().item() { logs["learning_rate"] = rate }
  }
}
