import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

extension Array where Element == Int {
  /// The list, or as many fillers when it is empty.
  public func filled(_ count: Int, with filler: Int = 1) -> [Int] { isEmpty ? Array(repeating: filler, count: count) : self }
}

/// `SAME` in numbers, as far as the input's extents tell.
public func spelledOut(
  _ padding: Padding, of x: TensorType, layout: DataLayout, kernel: [Int], strides: [Int], dilations: [Int]
) -> Padding? {
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

extension TensorFlowFamilyWriter {
  /// The value with its channels at the end, whatever the layout.
  public mutating func channelsLast(_ value: Value, _ layout: DataLayout) throws -> Value {
    if layout == .channelsLast { return value }
    let rank = try rank(of: value)
    return rank > 2 ? try transpose(value, [0] + Array(2..<rank) + [1]) : value
  }

  /// The opposite: a result with its channels where `layout` has them.
  public mutating func restored(_ value: Value, _ layout: DataLayout) throws -> Value {
    if layout == .channelsLast { return value }
    let rank = try rank(of: value)
    return rank > 2 ? try transpose(value, [0, rank - 1] + Array(1..<(rank - 1))) : value
  }

  /// A dilated pooling without padding, channels last: over one axis after the other, each tap a slice.
  /// - Throws: `UnsupportedError` for extents that are not known, and windows of more than 64 elements.
  public mutating func dilatedWindows(_ op: PoolOp, _ x: Value) throws -> Value {
    let rank = op.kernel.count
    guard let dims = type(of: x).shape.dims, dims.count == rank + 2 else { throw UnsupportedError("a dilated pooling of unknown rank") }
    var result = x
    for axis in 0..<rank {
      guard let extent = dims[axis + 1].value else { throw UnsupportedError("a dilated pooling of unknown extents") }
      let span = (op.kernel[axis] - 1) * op.dilations[axis] + 1, steps = (extent - span) / op.strides[axis] + 1
      guard extent >= span, op.kernel[axis] <= 64 else { throw UnsupportedError("a dilated pooling of \(op.kernel[axis]) elements") }
      var taps: Value?
      for tap in 0..<op.kernel[axis] {
        let start = tap * op.dilations[axis]
        let part = try slice(
          result, axis: axis + 1, start: start, end: start + (steps - 1) * op.strides[axis] + 1, step: op.strides[axis])
        taps = try taps.map { op.kind == .max ? try maximum($0, part) : try add($0, part) } ?? part
      }
      if let taps { result = taps }
    }
    if op.kind == .max { return result }
    return try div(result, try scalar(op.kernel.reduce(1.0) { $0 * Double($1) }, like: result))
  }
}
