/// A callback of closures.
public final class LambdaCallback: Callback {
  public typealias Body = (_ index: Int, _ logs: Logs) throws -> Void
  private let epochBegin: Body?, epochEnd: Body?, batchBegin: Body?, batchEnd: Body?
  private let trainBegin: ((Logs) throws -> Void)?, trainEnd: ((Logs) throws -> Void)?

  public init(
    onEpochBegin: Body? = nil, onEpochEnd: Body? = nil, onTrainBegin: ((Logs) throws -> Void)? = nil,
    onTrainEnd: ((Logs) throws -> Void)? = nil, onTrainBatchBegin: Body? = nil, onTrainBatchEnd: Body? = nil
  ) {
    (epochBegin, epochEnd, batchBegin, batchEnd) = (onEpochBegin, onEpochEnd, onTrainBatchBegin, onTrainBatchEnd)
    (trainBegin, trainEnd) = (onTrainBegin, onTrainEnd)
  }
  public var wantsBatchLogs: Bool { batchEnd != nil }
  public func onTrainBegin(_ logs: Logs) throws { try trainBegin?(logs) }
  public func onTrainEnd(_ logs: Logs) throws { try trainEnd?(logs) }
  public func onEpochBegin(_ epoch: Int, _ logs: Logs) throws { try epochBegin?(epoch, logs) }
  public func onEpochEnd(_ epoch: Int, _ logs: Logs) throws { try epochEnd?(epoch, logs) }
  public func onTrainBatchBegin(_ batch: Int, _ logs: Logs) throws { try batchBegin?(batch, logs) }
  public func onTrainBatchEnd(_ batch: Int, _ logs: Logs) throws { try batchEnd?(batch, logs) }
}
