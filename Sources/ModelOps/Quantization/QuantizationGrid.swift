import ModelGraph
import ModelTensor

/// Which entry of a scale (or zero point) tensor belongs to which element of `x`.
///
/// One element stands for the whole tensor, a vector for the indices of `axis`; with a block size the scale
/// has the rank of `x`, and each of its entries covers `blockSize` indices of `axis`.
struct QuantizationGrid {
  /// `x` as `[outer, extent, inner]` around the axis.
  let outer: Int, extent: Int, inner: Int
  let block: Int?
  let count: Int

  /// - Throws: `ExecutionError.shapeMismatch` unless `scale` fits `x`.
  init(_ x: NDArray, scale: NDArray, axis: Int, blockSize: Int, op: any Op) throws {
    guard blockSize >= 0 else { throw ExecutionError(.invalidValue, "\(op.displayName): block size \(blockSize)") }
    count = scale.count
    if scale.count == 1, blockSize == 0 {
      (outer, extent, inner, block) = (1, 1, x.count, nil)
      return
    }
    let axis = try normalizeAxis(axis, rank: x.rank)
    let view = AxisView(x.shape, axis: axis)
    (outer, extent, inner) = (view.outer, view.extent, view.inner)
    if blockSize == 0 {
      guard scale.rank == 1, scale.count == extent else {
        throw ExecutionError(.shapeMismatch, "\(op.displayName) of \(x.shape) along axis \(axis) with scales \(scale.shape)")
      }
      block = nil
      return
    }
    var expected = x.shape
    if axis < expected.count { expected[axis] = (extent - 1) / blockSize + 1 }
    guard scale.shape == expected else {
      throw ExecutionError(.shapeMismatch, "\(op.displayName) of \(x.shape) in blocks of \(blockSize) with scales \(scale.shape)")
    }
    block = blockSize
  }

  /// The same for scales that are part of a type.
  init(_ shape: [Int], _ quantization: Quantization, op: any Op) throws {
    let scales = quantization.scales.count
    count = scales
    guard scales > 1 else {
      guard scales == 1 else { throw ExecutionError(.invalidValue, "\(op.displayName) of a quantised tensor without a scale") }
      (outer, extent, inner, block) = (1, 1, shape.reduce(1, *), nil)
      return
    }
    let axis = try normalizeAxis(quantization.axis ?? 0, rank: shape.count)
    let view = AxisView(shape, axis: axis)
    (outer, extent, inner) = (view.outer, view.extent, view.inner)
    if let size = quantization.block, size > 0 {
      let blocks = extent == 0 ? 0 : (extent - 1) / size + 1
      guard checkedProduct([outer, blocks, inner]) == scales else {
        throw ExecutionError(.shapeMismatch, "\(op.displayName) of \(shape) in blocks of \(size) with \(scales) scales")
      }
      block = size
    } else {
      guard scales == extent else {
        throw ExecutionError(.shapeMismatch, "\(op.displayName) of \(shape) along axis \(axis) with \(scales) scales")
      }
      block = nil
    }
  }

  /// Calls `body(range of elements, index of the scale)`; a range is contiguous. Blockwise, ranges are single
  /// elements unless the axis is the last.
  func forEachRun(_ body: (_ elements: Range<Int>, _ entry: Int) -> Void) {
    guard let block else {
      for o in 0..<outer {
        for e in 0..<extent {
          let start = (o * extent + e) * inner
          body(start..<(start + inner), count == 1 ? 0 : e)
        }
      }
      return
    }
    let blocks = extent == 0 ? 0 : (extent - 1) / block + 1
    for o in 0..<outer {
      for e in 0..<extent {
        for i in 0..<inner {
          let place = (o * extent + e) * inner + i
          body(place..<(place + 1), (o * blocks + e / block) * inner + i)
        }
      }
    }
  }
}

extension DType {
  /// The least and the greatest number that an integer type of at most 32 bits holds.
  public var integerRange: ClosedRange<Double>? {
    guard isInteger, let bitWidth, bitWidth <= 32 else { return nil }
    let span = Double(1 << bitWidth)
    return isSignedInteger ? (-span / 2)...(span / 2 - 1) : 0...(span - 1)
  }
}
