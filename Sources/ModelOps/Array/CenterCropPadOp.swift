import ModelGraph
import ModelTensor

/// The centre of `x`, or `x` amid zeros, with the extents of `shape` along `axes` (all of them when `nil`). Of an odd
/// difference the larger half goes behind. Inputs: `x`, `shape` (integer vector).
public struct CenterCropPadOp: PrimitiveOp {
  public static let name = "CenterCropPad"
  public static let family = OpFamily.array
  public var axes: [Int]?
  public init(axes: [Int]? = nil) { self.axes = axes }

  private func resolve(_ rank: Int, _ count: Int) throws -> [Int] {
    let list = try (axes ?? Array(0..<rank)).map { try indexedAxis($0, rank: rank) }
    guard list.count == count, list.allSatisfy({ $0 < rank }) else {
      throw GraphError(.shapeMismatch, "CenterCropPad of rank \(rank) to \(count) extents")
    }
    return list
  }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self).type, shape = try inputs.required(1, of: self)
    guard var dims = x.shape.dims else { return [TensorType(x.dtype, .unranked)] }
    let list = try resolve(dims.count, shape.type.shape.elementCount ?? axes?.count ?? dims.count)
    for (index, axis) in list.enumerated() { dims[axis] = shape.elements.map { index < $0.count ? $0[index] : .unknown } ?? .unknown }
    return [TensorType(x.dtype, .ranked(dims))]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    guard let shape = try inputs.required(1, of: self).integers(), shape.allSatisfy({ $0 >= 0 && $0 < 1 << 32 }) else {
      throw ExecutionError(.invalidValue, "CenterCropPad: not a shape")
    }
    var before = [Int64](repeating: 0, count: x.rank), after = before
    for (axis, extent) in zip(try resolve(x.rank, shape.count), shape) {
      let difference = extent - x.shape[axis]
      // Negative padding crops; halves round towards zero on both ways.
      before[axis] = Int64(difference / 2)
      after[axis] = Int64(difference - difference / 2)
    }
    return try PadOp(mode: .constant).evaluate([x, NDArray(before + after, [2 * x.rank])], in: context)
  }
}

extension CenterCropPadOp: SpelledOp {
  /// Slices and zeros, where all extents are known.
  public func spelled<C: OpContext>(_ inputs: [C.Value?], in context: inout C) throws -> [C.Value]? {
    guard inputs.count == 2, var x = inputs[0], let target = inputs[1], let extents = context.type(of: x).shape.extents,
      let wanted = try infer([context.fact(of: x), context.fact(of: target)])[0].shape.extents, wanted.count == extents.count
    else { return nil }
    var before = extents.map { _ in 0 }, after = before
    for (axis, (old, new)) in zip(extents, wanted).enumerated() {
      let difference = new - old
      if difference < 0 {
        let start = -difference / 2
        x = try context.slice(x, axis: axis, start: start, end: start + new)
      } else {
        before[axis] = difference / 2
        after[axis] = difference - difference / 2
      }
    }
    return [try context.pad(x, before: before, after: after)]
  }
}
