import ModelGraph
import ModelOps
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

extension NodeWriter {
  /// SAME padding in numbers: runtimes refuse `auto_pad` beside dilations. Where a stride meets an extent that nothing tells, the
  /// padding is computed and put around the input.
  ///
  /// - Parameters:
  ///   - input: channels first.
  ///   - filler: what stands in the padding.
  /// - Returns: the input, padded where it had to be, and the padding that is left to the operator.
  mutating func spelledOut(
    _ padding: Padding, of input: OutValue, kernel: [Int], strides: [Int], dilations: [Int], filler: Double = 0
  ) throws -> (OutValue, Padding) {
    guard padding == .same || padding == .sameLower else { return (input, padding) }
    let rank = kernel.count, dims = input.type.shape.dims
    guard strides.count == rank, dilations.count == rank else { throw GraphError(.shapeMismatch, "a window of \(rank) axes") }
    let spans = (0..<rank).map { (kernel[$0] - 1) * dilations[$0] + 1 }
    let totals: [Int?] = (0..<rank).map { axis in
      if strides[axis] == 1 { return max(0, spans[axis] - 1) }
      guard let dims, axis + 2 < dims.count, let extent = dims[axis + 2].value, strides[axis] > 0 else { return nil }
      let steps = (extent + strides[axis] - 1) / strides[axis]
      return max(0, (steps - 1) * strides[axis] + spans[axis] - extent)
    }
    let known = totals.compactMap { $0 }
    if known.count == rank {
      let few = known.map { $0 / 2 }, many = zip(known, few).map { $0 - $1 }
      return (input, padding == .same ? .explicit(before: few, after: many) : .explicit(before: many, after: few))
    }
    // As tensors: max(0, (⌈extent / stride⌉ − 1) · stride + span − extent).
    let extents = try slice(try shape(of: input), axis: 0, start: 2, end: 2 + rank)
    let steps = try div(try add(extents, try ints(strides.map { $0 - 1 })), try ints(strides))
    let reach = try add(try mul(try sub(steps, try ints([1])), try ints(strides)), try ints(spans))
    let total = try maximum(try sub(reach, extents), try ints([0]))
    let few = try div(total, try ints([2])), many = try sub(total, few), none = try ints([0, 0])
    let amounts = try concat(padding == .same ? [none, few, none, many] : [none, many, none, few], axis: 0)
    return (try apply(PadOp(), input, amounts, try scalar(filler, like: input)), .valid)
  }
}
