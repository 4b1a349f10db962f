/// Evaluates and predicts with the moving averages of the weights that the optimiser keeps; with `swapOnEpoch` they are also what other
/// callbacks see, and save, at the end of an epoch. Training goes on with the weights themselves.
public final class SwapEMAWeights: Callback {
  public let swapOnEpoch: Bool
  private weak var model: Model?
  private var parameters: FitParameters?
  private var isSwapped = false
  public init(swapOnEpoch: Bool = false) { self.swapOnEpoch = swapOnEpoch }
  public var wantsBatchLogs: Bool { false }
  public func setModel(_ model: Model) { self.model = model }
  public func setParameters(_ parameters: FitParameters) { self.parameters = parameters }

  /// The trained variables with their averages.
  private func pairs() throws -> [(Variable, Variable)] {
    let outer = model?.optimizer, optimizer = (outer as? LossScaleOptimizer)?.inner ?? outer
    // Of several optimisers those count that keep averages.
    let averaging = ((optimizer as? MultiOptimizer)?.optimizers ?? [optimizer].compactMap { $0 }).compactMap { $0 as? BaseOptimizer }
      .filter { $0.settings.usesEMA }
    guard !averaging.isEmpty else {
      throw TensorError(
        .invalidArgument, "SwapEMAWeights: expected an optimiser that keeps averages (.ema), found '\(outer?.name ?? "none")'")
    }
    // There are none before anything was trained.
    return averaging.flatMap { Array(zip($0.trainedVariables, $0.movingAverages)) }
  }
  private func swap(_ wanted: Bool) throws {
    guard isSwapped != wanted else { return }
    for (variable, average) in try pairs() {
      let value = variable.stored
      try variable.assign(average.stored)
      try average.assign(value)
    }
    isSwapped = wanted
  }

  public func onEpochBegin(_ epoch: Int, _ logs: Logs) throws { if swapOnEpoch { try swap(false) } }
  public func onEpochEnd(_ epoch: Int, _ logs: Logs) throws {
    guard swapOnEpoch, !isSwapped else { return }
    try swap(true)
    // Training ends with the averages in the place of the weights, wherever they are.
    if epoch + 1 == parameters?.epochs { for (variable, average) in try pairs() { try average.assign(variable.stored) } }
  }
  public func onTestBegin(_ logs: Logs) throws { try swap(true) }
  public func onTestEnd(_ logs: Logs) throws { try swap(false) }
  public func onPredictBegin(_ logs: Logs) throws { try swap(true) }
  public func onPredictEnd(_ logs: Logs) throws { try swap(false) }
}
