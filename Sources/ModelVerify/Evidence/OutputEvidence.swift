import ModelTensor

/// Whether an output says anything about the model: what always lies at an end of its range, or never changes, agrees too easily.
struct OutputEvidence: Sendable {
  private var rows = 0, freeRows = 0, largest = 0.0
  private var first: [Double]?
  private var samples = 0, variation = 0.0
  /// How close to an end is at the end.
  private let margin: Double
  /// How many elements of a sample are looked at.
  private static let limit = 1 << 16

  init(margin: Double = 1e-3) { self.margin = margin }

  /// - Parameter batch: the extent of the sample axis, where inputs have one.
  mutating func add(_ array: NDArray, batch: Int?) {
    guard array.dtype.isFloatingPoint, array.count > 0 else { return }
    let count = array.rank > 0 && batch == array.shape[0] ? array.shape[0] : 1
    let stride = array.count / count, kept = min(stride, Self.limit), flat = array.reshaped([array.count])
    let width = stride == 1 ? 1 : min(array.shape.last ?? 1, kept)
    for sample in 0..<min(count, 32) {
      let values = flat.slice((sample * stride)..<(sample * stride + kept)).doubles()
      for start in Swift.stride(from: 0, to: values.count, by: max(1, width)) {
        rows += 1
        if values[start..<min(values.count, start + width)].contains(where: isFree) { freeRows += 1 }
      }
      for value in values where value.isFinite { largest = max(largest, abs(value)) }
      samples += 1
      guard let first else { first = values; continue }
      for (a, b) in zip(first, values) where a.isFinite && b.isFinite { variation = max(variation, abs(a - b)) }
    }
  }

  /// Whether a number is not at an end of the range of a softmax, sigmoid or hyperbolic tangent.
  private func isFree(_ value: Double) -> Bool {
    let size = abs(value)
    return size.isFinite && size > margin && (size < 1 - margin || size > 1 + margin)
  }

  /// Why the output says little; `nil` when it is as good as any.
  func weakness(atol: Double, rtol: Double) -> OutputStatistics.Weakness? {
    guard rows > 0 else { return nil }
    if largest > 0.9, largest <= 1 + margin, freeRows * 4 < rows { return .saturated }
    if samples > 1, variation <= 10 * (atol + rtol * largest) { return .constant }
    return nil
  }
}

extension OutputStatistics {
  /// Why an output says little about the model, on the inputs it was compared on.
  public enum Weakness: String, Sendable, Hashable {
    /// All but few rows consist of numbers next to 0, 1 and −1: a softmax or sigmoid that has made up its mind.
    case saturated
    /// The same whatever the inputs are.
    case constant
  }
}
