import ModelOps
import ModelTensor

/// From where made-up numbers are drawn.
enum InputRange: Sendable, Equatable {
  /// Close to normally distributed around 0.1; quantised numbers from all they can be.
  case usual
  /// From 0 to 1: pictures, and what takes logarithms or roots.
  case unit
  /// As usual, times a factor; quantised numbers from that part of what they can be, around zero.
  case scaled(Double)

  /// What is tried when the usual numbers drive an output to its ends, or do not move it.
  static let alternatives: [InputRange] = [.scaled(0.25), .unit, .scaled(0.0625), .scaled(0.015625), .scaled(8)]
  /// The same for models on integers: few of them are left in smaller parts of their range.
  static let quantizedAlternatives: [InputRange] = [.scaled(0.25), .scaled(0.0625)]

  func draw(_ random: inout SplitMix) -> Double {
    switch self {
    case .usual: random.normal() + 0.1
    case .unit: random.uniform()
    case .scaled(let factor): (random.normal() + 0.1) * factor
    }
  }

  /// The stored numbers to draw from, of those that `type` has.
  func stored(_ type: QuantizedType) -> ClosedRange<Int>? {
    let all: ClosedRange<Int>
    switch type.dtype {
    case .int8: all = -128...127
    case .uint8: all = 0...255
    case .int16: all = -32768...32767
    default: return nil
    }
    guard !type.isPerAxis, type.scale > 0, type.scale.isFinite, let zero = Int(exactly: type.zeroPoint), all.contains(zero) else {
      return nil
    }
    guard case .scaled(let factor) = self, factor < 1 else { return all }
    let lower = zero - Int(Double(zero - all.lowerBound) * factor), upper = zero + Int(Double(all.upperBound - zero) * factor)
    return lower < upper ? lower...upper : all
  }

  /// In words, for a report; `nil` for the usual ones.
  var note: String? {
    switch self {
    case .usual: nil
    case .unit: "numbers from 0 to 1"
    case .scaled(let factor): "the usual numbers times \(factor)"
    }
  }
}
