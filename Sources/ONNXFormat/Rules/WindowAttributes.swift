import ModelGraph
import ModelSupport
import ModelTensor

/// What convolutions and poolings say of their windows.
extension NodeReader {
  /// `auto_pad` and `pads` (all in front, then all behind) as one.
  func padding() throws -> Padding {
    switch try string("auto_pad") ?? "NOTSET" {
    case "SAME_UPPER": return .same
    case "SAME_LOWER": return .sameLower
    case "VALID": return .valid
    case "NOTSET", "":
      guard let pads = try ints("pads"), pads.contains(where: { $0 != 0 }) else { return .valid }
      guard pads.count % 2 == 0 else { throw FormatError(.invalidValue, "\(type) has \(pads.count) pads") }
      return .explicit(before: Array(pads[..<(pads.count / 2)]), after: Array(pads[(pads.count / 2)...]))
    case let other: throw FormatError(.invalidValue, "\(type): auto_pad is '\(other)'")
    }
  }
}

extension Padding {
  /// The attribute `auto_pad`, when one is needed.
  var autoPad: WireAttribute? {
    switch self {
    case .same: .string("SAME_UPPER")
    case .sameLower: .string("SAME_LOWER")
    case .valid, .explicit: nil
    }
  }
  /// The attribute `pads`, when one is needed.
  var pads: WireAttribute? {
    if case .explicit(let before, let after) = self { .ints(before + after) } else { nil }
  }
}

extension Array where Element == Int {
  /// Strides or dilations as an attribute; `nil` when they are the default.
  var stepAttribute: WireAttribute? { allSatisfy { $0 == 1 } ? nil : .ints(self) }
}
