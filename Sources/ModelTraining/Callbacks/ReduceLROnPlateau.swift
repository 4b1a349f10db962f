/// Lowers the learning rate when a figure has stopped getting better.
public final class ReduceLROnPlateau: MonitorCallback, ResumableCallback {
  public let factor: Double
  public let patience: Int
  public let verbose: Int
  public let cooldown: Int
  public let minLR: Double
  private var cooldownCounter = 0, wait = 0

  /// - Parameters:
  ///   - factor: what the rate is multiplied by.
  ///   - cooldown: epochs after a change in which nothing is counted.
  /// - Throws: `TensorError` for a factor that does not lower the rate.
  public init(
    monitor: String = "val_loss", factor: Double = 0.1, patience: Int = 10, verbose: Int = 0, mode: MonitorMode = .auto,
    minDelta: Double = 1e-4, cooldown: Int = 0, minLR: Double = 0
  ) throws {
    guard factor < 1 else { throw TensorError(.invalidArgument, "ReduceLROnPlateau: expected a factor below 1, found \(factor)") }
    self.factor = factor
    self.patience = patience
    self.verbose = verbose
    self.cooldown = cooldown
    self.minLR = minLR
    super.init(monitor: monitor, mode: mode, minDelta: minDelta)
  }

  public override func onTrainBegin(_ logs: Logs) { (best, cooldownCounter, wait) = (nil, 0, 0) }
  public override func onEpochEnd(_ epoch: Int, changing logs: inout Logs) throws {
    try findDirection()
    guard let watched else { return }
    try watched.addLearningRates(to: &logs)
    guard let current = logs[monitor] else { return warnMissing("the learning rate's reduction is conditioned", logs) }
    if cooldownCounter > 0 {
      cooldownCounter -= 1
      wait = 0
    }
    if isImprovement(current, over: best) {
      best = current
      wait = 0
    } else if cooldownCounter == 0 {
      wait += 1
      guard wait >= patience else { return }
      var isReduced = false
      for (label, optimizer) in watched.ratedOptimizers {
        let rate = try optimizer.learningRate().item()
        guard rate > Double(Float(minLR)) else { continue }
        let next = Swift.max(rate * factor, minLR)
        try optimizer.setLearningRate(next)
        isReduced = true
        if verbose > 0 {
          Console.print("\nEpoch \(epoch + 1): ReduceLROnPlateau reducing\(label.map { " \($0)" } ?? "") learning rate to \(next).\n")
        }
      }
      guard isReduced else { return }
      cooldownCounter = cooldown
      wait = 0
    }
  }

  public func savedState() throws -> [String: Tensor] {
    var state = try savedBest()
    state["counts"] = Tensor([Int64(cooldownCounter), Int64(wait)])
    return state
  }
  public func restoreState(_ state: [String: Tensor]) throws {
    guard let counts = try state.counts(), counts.count == 2 else { return }
    (cooldownCounter, wait) = (counts[0], counts[1])
    best = try state.number("best")
  }
}
