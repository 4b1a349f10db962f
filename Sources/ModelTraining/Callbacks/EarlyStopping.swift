/// Ends training when a figure has stopped getting better.
public final class EarlyStopping: MonitorCallback, ResumableCallback {
  public let patience: Int
  public let verbose: Int
  public let baseline: Double?
  public let restoreBestWeights: Bool
  public let startFromEpoch: Int
  /// The epoch after which training ended, 0 when it went its whole way.
  public private(set) var stoppedEpoch = 0
  public private(set) var bestEpoch = 0
  private var wait = 0
  private var bestWeights: [Tensor]?

  /// - Parameters:
  ///   - minDelta: less of a change is none.
  ///   - patience: epochs without improvement that are borne.
  ///   - baseline: what has to be improved upon for the wait to begin anew.
  ///   - restoreBestWeights: the model ends with the weights of its best epoch.
  ///   - startFromEpoch: epochs before this one are not watched.
  public init(
    monitor: String = "val_loss", minDelta: Double = 0, patience: Int = 0, verbose: Int = 0, mode: MonitorMode = .auto,
    baseline: Double? = nil, restoreBestWeights: Bool = false, startFromEpoch: Int = 0
  ) {
    self.patience = patience
    self.verbose = verbose
    self.baseline = baseline
    self.restoreBestWeights = restoreBestWeights
    self.startFromEpoch = startFromEpoch
    super.init(monitor: monitor, mode: mode, minDelta: minDelta)
  }

  public override func onTrainBegin(_ logs: Logs) {
    (wait, stoppedEpoch, best, bestWeights, bestEpoch) = (0, 0, nil, nil, 0)
  }
  public override func onEpochEnd(_ epoch: Int, changing logs: inout Logs) throws {
    try findDirection()
    guard let current = logs[monitor] else { return warnMissing("early stopping is conditioned", logs) }
    guard epoch >= startFromEpoch else { return }
    if restoreBestWeights, bestWeights == nil {
      bestWeights = watched?.getWeights()
      bestEpoch = epoch
    }
    wait += 1
    if isImprovement(current, over: best) {
      best = current
      bestEpoch = epoch
      if restoreBestWeights { bestWeights = watched?.getWeights() }
      if baseline.map({ isImprovement(current, over: $0) }) ?? true { wait = 0 }
    } else if wait >= patience, epoch > 0 {
      stoppedEpoch = epoch
      watched?.stopTraining = true
    }
  }
  public override func onTrainEnd(_ logs: Logs) throws {
    if stoppedEpoch > 0, verbose > 0 { Console.print("Epoch \(stoppedEpoch + 1): early stopping\n") }
    guard restoreBestWeights, let bestWeights else { return }
    if verbose > 0 { Console.print("Restoring model weights from the end of the best epoch: \(bestEpoch + 1).\n") }
    try watched?.setWeights(bestWeights)
  }

  public func savedState() throws -> [String: Tensor] {
    var state = try savedBest()
    state["counts"] = Tensor([Int64(wait), Int64(stoppedEpoch), Int64(bestEpoch)])
    for (index, weight) in (bestWeights ?? []).enumerated() { state["weights/\(index)"] = weight }
    return state
  }
  public func restoreState(_ state: [String: Tensor]) throws {
    guard let counts = try state.counts(), counts.count == 3 else { return }
    (wait, stoppedEpoch, bestEpoch) = (counts[0], counts[1], counts[2])
    best = try state.number("best")
    var weights: [Tensor] = []
    while let next = state["weights/\(weights.count)"] { weights.append(next) }
    bestWeights = weights.isEmpty ? nil : weights
  }
}
