import ModelGraph
import ModelOps
import ModelTensor

/// What a layer's numbers are stored and computed as.
public enum LayerScheme: String, Sendable, CaseIterable {
  /// As it is.
  case float
  /// Activations and weights of 8 bits.
  case int8
  /// Activations of 16 bits, weights of 8.
  case int16x8

  /// The dtype of activations; `nil` for floats.
  var activations: DType? {
    switch self {
    case .float: nil
    case .int8: .int8
    case .int16x8: .int16
    }
  }
}

/// Which layers are quantised differently: those whose name matches a pattern, those of an operator, or both.
public struct QuantizationRecipe: Sendable, Hashable {
  /// With `*` for any characters, and `?` for one; `nil` for every name.
  public var pattern: String?
  /// The operator's canonical name (`Conv`, `FullyConnected`, `Softmax`), in whatever case; `nil` for every one.
  public var op: String?
  public var scheme: LayerScheme
  public init(pattern: String? = nil, op: String? = nil, scheme: LayerScheme) {
    self.pattern = pattern
    self.op = op
    self.scheme = scheme
  }

  public func matches(name: String, op: String) -> Bool { matches([name], op: op) }

  /// Whether one of the names of an operator is meant.
  func matches(_ names: [String], op: String) -> Bool {
    if let wanted = self.op, wanted.lowercased() != op.lowercased() { return false }
    guard let pattern else { return true }
    let scalars = Array(pattern.unicodeScalars)
    return names.contains { Self.matches(Array($0.unicodeScalars), scalars) }
  }

  /// Two places, so that no pattern takes more than the product of the lengths.
  private static func matches(_ text: [Unicode.Scalar], _ pattern: [Unicode.Scalar]) -> Bool {
    var t = 0, p = 0, star: Int?, mark = 0
    while t < text.count {
      if p < pattern.count, pattern[p] == "?" || pattern[p] == text[t] && pattern[p] != "*" {
        t += 1
        p += 1
      } else if p < pattern.count, pattern[p] == "*" {
        star = p
        mark = t
        p += 1
      } else if let place = star {
        p = place + 1
        mark += 1
        t = mark
      } else {
        return false
      }
    }
    return pattern[p...].allSatisfy { $0 == "*" }
  }
}

extension QuantizationRecipe: CustomStringConvertible {
  public var description: String { [pattern, op.map { "op:\($0)" }].compactMap { $0 }.joined(separator: ",") + "=\(scheme.rawValue)" }
}

/// The least and the greatest number that a value was seen to take.
public struct ValueRange: Sendable, Hashable {
  public var low: Float
  public var high: Float
  public init(low: Float, high: Float) {
    self.low = low
    self.high = high
  }

  /// Ranges below this are widened to it, so that a constant zero has a sound scale.
  static let smallest = 1e-6

  /// The asymmetric 8-bit, or symmetric 16-bit, quantisation of the range: zero is always one of its numbers.
  ///
  /// As TensorFlow's converter computes it, the scale in float32.
  public func quantized(as dtype: DType) -> QuantizedType {
    var low = min(Double(self.low), 0), high = max(Double(self.high), 0)
    if dtype == .int16 {
      high = max(-low, high)
      low = -high
    }
    if high - low <= Self.smallest {
      low = min(low, -Self.smallest / 2)
      high = max(high, Self.smallest / 2)
    }
    let least: Double = dtype == .int16 ? -32767 : -128, most: Double = dtype == .int16 ? 32767 : 127
    let scale = (Float(high) - Float(low)) / Float(most - least)
    guard dtype != .int16 else { return QuantizedType(.int16, scale: scale) }
    let point = Float(least - low / Double(scale))
    let zero = point < -128 ? -128 : point > 127 ? 127 : point.rounded(.toNearestOrAwayFromZero)
    return QuantizedType(.int8, scale: scale, zeroPoint: Int64(zero))
  }

  /// The quantisation of what was seen to take these numbers: 8-bit ranges below 1e-6 get as much more at either end, as TensorFlow's
  /// converter gives calibrated ones.
  public func quantizedActivation(as dtype: DType) -> QuantizedType {
    let low = min(Double(self.low), 0), high = max(Double(self.high), 0)
    guard dtype == .int8, high - low < Self.smallest else { return quantized(as: dtype) }
    return ValueRange(low: Float(low - Self.smallest), high: Float(high + Self.smallest)).quantized(as: dtype)
  }

  public func union(_ other: ValueRange) -> ValueRange { ValueRange(low: min(low, other.low), high: max(high, other.high)) }
}
