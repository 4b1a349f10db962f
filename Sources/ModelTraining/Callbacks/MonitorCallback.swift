/// Which way a figure gets better.
public enum MonitorMode: String, Sendable { case auto, min, max }

/// What callbacks share that watch a figure (Keras's `MonitorCallback`).
open class MonitorCallback: Callback {
  public let monitor: String
  public let mode: MonitorMode
  public let minDelta: Double
  /// The best value so far.
  public internal(set) var best: Double?
  public private(set) weak var watched: Model?
  private var direction: MetricDirection?

  public init(monitor: String = "val_loss", mode: MonitorMode = .auto, baseline: Double? = nil, minDelta: Double = 0) {
    self.monitor = monitor
    self.mode = mode
    self.minDelta = abs(minDelta)
    best = baseline
  }
  open func setModel(_ model: Model) { watched = model }
  open var wantsBatchLogs: Bool { false }

  /// Finds out which way is better, once metrics are known.
  /// - Throws: `TensorError` when the figure does not tell.
  func findDirection() throws {
    guard direction == nil else { return }
    switch mode {
    case .min: direction = .down
    case .max: direction = .up
    case .auto:
      let name = monitor.hasPrefix("val_") ? String(monitor.dropFirst(4)) : monitor
      direction = name == "loss" ? .down : watched?.metricDirection(name)
      guard direction != nil else {
        throw TensorError(
          .invalidArgument,
          "\(type(of: self)): '\(monitor)' does not tell whether more or less of it is better; give mode: .max or .min")
      }
    }
  }
  func isImprovement(_ value: Double, over reference: Double?) -> Bool {
    guard let reference else { return true }
    // Keras compares numbers of single precision.
    return direction == .up ? Float(value - minDelta) > Float(reference) : Float(value + minDelta) < Float(reference)
  }

  // The base of callbacks: a subclass overrides what it needs.
  open func onTrainBegin(_ logs: Logs) throws {}
  open func onTrainEnd(_ logs: Logs) throws {}
  open func onEpochBegin(_ epoch: Int, _ logs: Logs) throws {}
  open func onEpochEnd(_ epoch: Int, changing logs: inout Logs) throws {}
  open func onTrainBatchEnd(_ batch: Int, _ logs: Logs) throws {}

  func savedBest() throws -> [String: Tensor] { try best.map { ["best": try Tensor.constant($0, dtype: .float64)] } ?? [:] }
  func warnMissing(_ what: String, _ logs: Logs) {
    Console.warn("\(what) on '\(monitor)', which is not available. Available are: \(logs.keys.sorted().joined(separator: ", "))")
  }
}

/// Numbers in a saved state.
extension [String: Tensor] {
  func number(_ key: String) throws -> Double? { try self[key]?.item() }
  func integer(_ key: String, _ fallback: Int = 0) throws -> Int { try number(key).flatMap { Int(exactly: $0) } ?? fallback }
  /// What is kept as "counts": whole numbers, none of them near the end of what an `Int` holds.
  func counts() throws -> [Int]? {
    try self["counts"]?.doubles().map { value in
      guard let count = Int(exactly: value), abs(value) < 0x1p40 else {
        throw TensorError(.invalidArgument, "the backup holds the count \(value)")
      }
      return count
    }
  }
}
