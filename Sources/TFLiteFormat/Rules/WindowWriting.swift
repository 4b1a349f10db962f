import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

extension Array where Element == Int {
  /// The list, or as many fillers when it is empty.
  func filled(_ count: Int, with filler: Int = 1) -> [Int] { isEmpty ? Array(repeating: filler, count: count) : self }
}

extension OperatorWriter {
  /// The value with its channels at the end, whatever the layout.
  mutating func channelsLast(_ value: OutValue, _ layout: DataLayout) throws -> OutValue {
    if layout == .channelsLast { return value }
    let rank = try rank(of: value)
    return rank > 2 ? try transpose(value, [0] + Array(2..<rank) + [1]) : value
  }

  /// The opposite: a result with its channels where `layout` has them.
  mutating func restored(_ value: OutValue, _ layout: DataLayout) throws -> OutValue {
    if layout == .channelsLast { return value }
    let rank = try rank(of: value)
    return rank > 2 ? try transpose(value, [0, rank - 1] + Array(1..<(rank - 1))) : value
  }

  /// The value with its axes permuted; a constant is written permuted, its bytes being gathered on the way.
  mutating func permuted(_ value: OutValue, _ order: [Int]) throws -> OutValue {
    if order == Array(0..<order.count) { return value }
    return try halfWeights(value) { $0.transposed(order) } ?? transpose(value, order)
  }

  /// Weights of half precision, moved before they are converted; `nil` for any other value.
  mutating func halfWeights(_ value: OutValue, _ move: (Tensor) -> Tensor) throws -> OutValue? {
    guard value.frame == frame.id, let step = frame.steps.last(where: { $0.outputs == [value.index] }), step.builtin == .dequantize,
      let source = step.inputs.first, let half = frame.entries[source].constant, half.dtype == .float16
    else { return nil }
    let moved = move(half)
    let stored = try constant(moved)
    frame.entries[stored.index].name = frame.entries[source].name
    return try emit(.dequantize, [stored], .dequantizeOptions(DequantizeOptions()), as: TensorType(.float32, moved.type.shape))
  }

  /// An int32 vector from numbers that are known or single extents of values.
  mutating func int32s(_ parts: [Extent]) throws -> OutValue {
    let known = parts.compactMap { part -> Int? in if case .number(let number) = part { number } else { nil } }
    if known.count == parts.count { return try int32s(known) }
    let pieces = try parts.map { part in
      switch part {
      case .number(let number): try int32s([number])
      case .value(let value): try cast(value, to: .int32)
      }
    }
    return try concat(pieces, axis: 0)
  }

  /// An extent as a number where it is known, and as a vector of one element else.
  mutating func extent(of value: OutValue, _ axis: Int) throws -> Extent {
    if let known = value.type.shape.dims.flatMap({ axis < $0.count ? $0[axis].value : nil }) { return .number(known) }
    return .value(try dim(of: value, axis))
  }
}

/// An extent in a shape being written.
enum Extent {
  case number(Int)
  /// A vector of one element.
  case value(OutValue)
}

/// `SAME` in numbers, as far as the input's extents tell.
func spelledOut(_ padding: Padding, of x: TensorType, layout: DataLayout, kernel: [Int], strides: [Int], dilations: [Int]) -> Padding? {
  let rank = kernel.count
  switch padding {
  case .valid: return .explicit(before: Array(repeating: 0, count: rank), after: Array(repeating: 0, count: rank))
  case .explicit: return padding
  case .same, .sameLower: break
  }
  guard strides.count == rank, dilations.count == rank else { return nil }
  var before: [Int] = [], after: [Int] = []
  for axis in 0..<rank {
    let span = (kernel[axis] - 1) * dilations[axis] + 1, stride = strides[axis]
    let total: Int
    if stride == 1 {
      total = span - 1
    } else {
      guard let dims = x.shape.dims, dims.count == rank + 2, stride > 0 else { return nil }
      let axes = layout.spatialAxes(rank: rank + 2)
      guard let extent = dims[axes[axes.startIndex + axis]].value else { return nil }
      total = max(0, ((extent + stride - 1) / stride - 1) * stride + span - extent)
    }
    before.append(padding == .same ? total / 2 : total - total / 2)
    after.append(padding == .same ? total - total / 2 : total / 2)
  }
  return .explicit(before: before, after: after)
}
