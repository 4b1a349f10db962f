import ModelTensor

/// Holds a result against what is expected, as ONNX's own runner does: the same dtype and shape, and each number
/// within `1e-7 + 1e-3 · |expected|`; strings and booleans exactly.
enum Comparison {
  static let relative = 1e-3, absolute = 1e-7

  /// What differs, `nil` when nothing does.
  static func difference(_ found: NDArray, _ expected: NDArray) -> String? {
    guard found.dtype == expected.dtype else { return "dtype \(found.dtype), expected \(expected.dtype)" }
    if let variant = found.variant, let other = expected.variant { return difference(variant, other) }
    guard found.shape == expected.shape else { return "shape \(found.shape), expected \(expected.shape)" }
    if found.dtype == .string {
      for (i, pair) in zip(found.strings, expected.strings).enumerated() where pair.0 != pair.1 {
        return "element \(i) is \"\(text(pair.0))\", expected \"\(text(pair.1))\""
      }
      return nil
    }
    for (i, pair) in zip(found.doubles(), expected.doubles()).enumerated() where !isClose(pair.0, pair.1, found.dtype) {
      return "element \(i) of \(found.type) is \(pair.0), expected \(pair.1)"
    }
    return nil
  }

  private static func difference(_ found: Variant, _ expected: Variant) -> String? {
    switch (found, expected) {
    case (.sequence(let a), .sequence(let b)):
      guard a.count == b.count else { return "\(a.count) items, expected \(b.count)" }
      for (i, pair) in zip(a, b).enumerated() {
        if let difference = difference(pair.0, pair.1) { return "item \(i): \(difference)" }
      }
      return nil
    case (.optional(nil), .optional(nil)): return nil
    case (.optional(let a?), .optional(let b?)): return difference(a, b)
    default: return "holds something of another kind"
    }
  }

  private static func isClose(_ a: Double, _ b: Double, _ dtype: DType) -> Bool {
    if a == b || a.isNaN && b.isNaN { return true }
    guard a.isFinite, b.isFinite, dtype != .bool else { return false }
    return abs(a - b) <= absolute + relative * abs(b)
  }

  private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
