/// Ends training when the loss is no number.
public final class TerminateOnNaN: Callback {
  public let raisesError: Bool
  private weak var model: Model?
  /// - Parameter raiseError: `fit` throws instead of ending early.
  public init(raiseError: Bool = false) { raisesError = raiseError }
  public func setModel(_ model: Model) { self.model = model }

  public func onTrainBatchEnd(_ batch: Int, _ logs: Logs) throws {
    guard let loss = logs["loss"], !loss.isFinite else { return }
    if raisesError { throw TensorError(.invalidArgument, "the loss of batch \(batch) is \(loss)") }
    Console.print("Batch \(batch): Invalid loss, terminating training\n")
    model?.stopTraining = true
  }
}
