/// Figures by name, as an epoch or a batch ends.
public typealias Logs = [String: Double]

/// What a callback is told of the run it takes part in.
public struct FitParameters: Sendable {
  public var verbose: Verbosity
  public var epochs: Int
  /// Batches of an epoch; `nil` when only the end tells.
  public var steps: Int?
}

/// What happens around training; everything is optional.
public protocol Callback: AnyObject {
  /// Called before anything else.
  func setModel(_ model: Model)
  func setParameters(_ parameters: FitParameters)
  /// Whether it looks at the figures of single batches: where nobody does, they are not computed.
  var wantsBatchLogs: Bool { get }
  func onTrainBegin(_ logs: Logs) throws
  func onTrainEnd(_ logs: Logs) throws
  func onEpochBegin(_ epoch: Int, _ logs: Logs) throws
  /// `logs` holds the epoch's figures, those of validation under `val_…`.
  func onEpochEnd(_ epoch: Int, _ logs: Logs) throws
  /// The same, for a callback that adds figures for those behind it and for the history: it stands in for `onEpochEnd(_:_:)`.
  func onEpochEnd(_ epoch: Int, changing logs: inout Logs) throws
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
  public func setParameters(_ parameters: FitParameters) {}
  public var wantsBatchLogs: Bool { true }
  public func onTrainBegin(_ logs: Logs) throws {}
  public func onTrainEnd(_ logs: Logs) throws {}
  public func onEpochBegin(_ epoch: Int, _ logs: Logs) throws {}
  public func onEpochEnd(_ epoch: Int, _ logs: Logs) throws {}
  public func onEpochEnd(_ epoch: Int, changing logs: inout Logs) throws { try onEpochEnd(epoch, logs) }
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

/// A callback whose memory has to outlive the process for a resumed run to go as the first would have gone.
public protocol ResumableCallback: Callback {
  /// What it remembers, by name.
  func savedState() throws -> [String: Tensor]
  func restoreState(_ state: [String: Tensor]) throws
}

/// When something is saved: at the end of each epoch, or after so many batches.
public enum SaveFrequency: Sendable, Equatable, ExpressibleByIntegerLiteral {
  case epoch
  case batches(Int)
  public init(integerLiteral value: Int) { self = .batches(value) }
}
