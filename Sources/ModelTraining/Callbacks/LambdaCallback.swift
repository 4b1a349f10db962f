/// A callback of closures.
public final class LambdaCallback: Callback {
  public typealias Body = (_ index: Int, _ logs: Logs) throws -> Void
  public typealias Whole = (Logs) throws -> Void
  private let epochBegin: Body?, epochEnd: Body?, batchBegin: Body?, batchEnd: Body?
  private let trainBegin: Whole?, trainEnd: Whole?
  private let testBegin: Whole?, testEnd: Whole?, testBatchBegin: Body?, testBatchEnd: Body?
  private let predictBegin: Whole?, predictEnd: Whole?, predictBatchBegin: Body?, predictBatchEnd: Body?

  public init(
    onEpochBegin: Body? = nil, onEpochEnd: Body? = nil, onTrainBegin: Whole? = nil, onTrainEnd: Whole? = nil,
    onTrainBatchBegin: Body? = nil,
    onTrainBatchEnd: Body? = nil, onTestBegin: Whole? = nil, onTestEnd: Whole? = nil, onTestBatchBegin: Body? = nil,
    onTestBatchEnd: Body? = nil, onPredictBegin: Whole? = nil, onPredictEnd: Whole? = nil, onPredictBatchBegin: Body? = nil,
    onPredictBatchEnd: Body? = nil
  ) {
    (epochBegin, epochEnd, batchBegin, batchEnd) = (onEpochBegin, onEpochEnd, onTrainBatchBegin, onTrainBatchEnd)
    (trainBegin, trainEnd) = (onTrainBegin, onTrainEnd)
    (testBegin, testEnd, testBatchBegin, testBatchEnd) = (onTestBegin, onTestEnd, onTestBatchBegin, onTestBatchEnd)
    (predictBegin, predictEnd, predictBatchBegin, predictBatchEnd) = (onPredictBegin, onPredictEnd, onPredictBatchBegin, onPredictBatchEnd)
  }
  public var wantsBatchLogs: Bool { batchEnd != nil || testBatchEnd != nil }
  public func onTrainBegin(_ logs: Logs) throws { try trainBegin?(logs) }
  public func onTrainEnd(_ logs: Logs) throws { try trainEnd?(logs) }
  public func onEpochBegin(_ epoch: Int, _ logs: Logs) throws { try epochBegin?(epoch, logs) }
  public func onEpochEnd(_ epoch: Int, _ logs: Logs) throws { try epochEnd?(epoch, logs) }
  public func onTrainBatchBegin(_ batch: Int, _ logs: Logs) throws { try batchBegin?(batch, logs) }
  public func onTrainBatchEnd(_ batch: Int, _ logs: Logs) throws { try batchEnd?(batch, logs) }
  public func onTestBegin(_ logs: Logs) throws { try testBegin?(logs) }
  public func onTestEnd(_ logs: Logs) throws { try testEnd?(logs) }
  public func onTestBatchBegin(_ batch: Int, _ logs: Logs) throws { try testBatchBegin?(batch, logs) }
  public func onTestBatchEnd(_ batch: Int, _ logs: Logs) throws { try testBatchEnd?(batch, logs) }
  public func onPredictBegin(_ logs: Logs) throws { try predictBegin?(logs) }
  public func onPredictEnd(_ logs: Logs) throws { try predictEnd?(logs) }
  public func onPredictBatchBegin(_ batch: Int, _ logs: Logs) throws { try predictBatchBegin?(batch, logs) }
  public func onPredictBatchEnd(_ batch: Int, _ logs: Logs) throws { try predictBatchEnd?(batch, logs) }
}
