/// What `fit` has seen: each figure's value at the end of each epoch.
public struct History: Sendable {
  /// `loss`, the metrics, and those of validation under `val_…`.
  public internal(set) var history: [String: [Double]] = [:]
  /// Figures that are several numbers, one for each threshold or class; `history` has their means.
  public internal(set) var lists: [String: [[Double]]] = [:]
  /// The epochs, counted from 0.
  public internal(set) var epoch: [Int] = []
  public init() {}
  public subscript(name: String) -> [Double] { history[name] ?? [] }
}
