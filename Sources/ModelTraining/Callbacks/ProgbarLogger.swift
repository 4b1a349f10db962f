/// Shows how training, evaluation or prediction goes on, as Keras's progress bar does.
public final class ProgbarLogger: Callback {
  private var parameters = FitParameters(verbose: .bar, epochs: 1, steps: nil)
  private var isFitting = false
  private var bar = ProgressBar(target: nil)
  private var seen = 0
  private weak var model: Model?
  public init() {}

  public func setModel(_ model: Model) { self.model = model }
  public func setParameters(_ parameters: FitParameters) { self.parameters = parameters }
  /// It computes the figures itself, when it is time to show them.
  public var wantsBatchLogs: Bool { false }

  public func onTrainBegin(_ logs: Logs) { isFitting = true }
  public func onEpochBegin(_ epoch: Int, _ logs: Logs) {
    restart()
    if parameters.epochs > 1 { Console.print("Epoch \(epoch + 1)/\(parameters.epochs)\n") }
  }
  public func onTrainBatchEnd(_ batch: Int, _ logs: Logs) throws {
    try advance(batch) { try model?.fitProgress.map { try model?.logs($0.figures) ?? [:] } ?? logs }
  }
  public func onEpochEnd(_ epoch: Int, _ logs: Logs) { finish(logs) }
  public func onTestBegin(_ logs: Logs) { if !isFitting { restart() } }
  public func onTestBatchEnd(_ batch: Int, _ logs: Logs) throws { if !isFitting { try advance(batch) { logs } } }
  public func onTestEnd(_ logs: Logs) { if !isFitting { finish(logs) } }
  public func onPredictBegin(_ logs: Logs) { restart() }
  public func onPredictBatchEnd(_ batch: Int, _ logs: Logs) throws { try advance(batch) { [:] } }
  public func onPredictEnd(_ logs: Logs) { finish([:]) }

  private func restart() {
    bar = ProgressBar(target: parameters.steps)
    seen = 0
  }
  private func advance(_ batch: Int, _ logs: () throws -> Logs) throws {
    seen = batch + 1
    bar.note(seen)
    guard parameters.verbose == .bar, bar.isDue else { return }
    Console.print(bar.line(seen, Self.ordered(try logs()), isLast: false))
  }
  private func finish(_ logs: Logs) {
    if bar.target == nil {
      bar.target = seen
      parameters.steps = seen
    }
    let current = bar.target ?? seen, figures = Self.ordered(logs)
    Console.print(parameters.verbose == .lines ? bar.summary(current, figures) : bar.line(current, figures, isLast: true))
  }

  /// Figures of training first, then those of validation, then the rate.
  static func ordered(_ logs: Logs) -> [(String, Double)] {
    func rank(_ name: String) -> Int { name == "learning_rate" ? 2 : name.hasPrefix("val_") ? 1 : 0 }
    return logs.sorted { (rank($0.key), $0.key) < (rank($1.key), $1.key) }.map { ($0.key, $0.value) }
  }
}
