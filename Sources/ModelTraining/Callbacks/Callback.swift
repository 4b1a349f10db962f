/// Figures by name, as an epoch or a batch ends.
public typealias Logs = [String: Double]

/// What happens around training; everything is optional.
public protocol Callback: AnyObject {
  /// Called before anything else.
  func setModel(_ model: Model)
  func onTrainBegin(_ logs: Logs) throws
  func onTrainEnd(_ logs: Logs) throws
  func onEpochBegin(_ epoch: Int, _ logs: Logs) throws
  /// `logs` holds the epoch's figures, those of validation under `val_…`.
  func onEpochEnd(_ epoch: Int, _ logs: Logs) throws
  func onTrainBatchBegin(_ batch: Int, _ logs: Logs) throws
  func onTrainBatchEnd(_ batch: Int, _ logs: Logs) throws
  func onTestBegin(_ logs: Logs) throws
  func onTestEnd(_ logs: Logs) throws
  func onTestBatchBegin(_ batch: Int, _ logs: Logs) throws
  func onTestBatchEnd(_ batch: Int, _ logs: Logs) throws
  func onPredictBegin(_ logs: Logs) throws
  func onPredictEnd(_ logs: Logs) throws
  func onPredictBatchBegin(_ batch: Int, _ logs: Logs) throws
  func onPredictBatchEnd(_ batch: Int, _ logs: Logs) throws
}

extension Callback {
  public func setModel(_ model: Model) {}
  public func onTrainBegin(_ logs: Logs) throws {}
  public func onTrainEnd(_ logs: Logs) throws {}
  public func onEpochBegin(_ epoch: Int, _ logs: Logs) throws {}
  public func onEpochEnd(_ epoch: Int, _ logs: Logs) throws {}
  public func onTrainBatchBegin(_ batch: Int, _ logs: Logs) throws {}
  public func onTrainBatchEnd(_ batch: Int, _ logs: Logs) throws {}
  public func onTestBegin(_ logs: Logs) throws {}
  public func onTestEnd(_ logs: Logs) throws {}
  public func onTestBatchBegin(_ batch: Int, _ logs: Logs) throws {}
  public func onTestBatchEnd(_ batch: Int, _ logs: Logs) throws {}
  public func onPredictBegin(_ logs: Logs) throws {}
  public func onPredictEnd(_ logs: Logs) throws {}
  public func onPredictBatchBegin(_ batch: Int, _ logs: Logs) throws {}
  public func onPredictBatchEnd(_ batch: Int, _ logs: Logs) throws {}
}
