import ModelGraph
import ModelTensor

/// `x` repeated `repeats[i]` times along axis `i`.
public struct TileOp: PrimitiveOp {
  public static let name = "Tile"
  public static let family = OpFamily.array
  public init() {}
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self), repeats = try inputs.required(1, of: self)
    guard let dims = x.type.shape.dims else { return [TensorType(x.type.dtype, .unranked)] }
    guard let times = repeats.elements, times.count == dims.count else {
      return [TensorType(x.type.dtype, .ranked(dims.map { _ in .unknown }))]
    }
    return [
      TensorType(
        x.type.dtype,
        .ranked(
          zip(dims, times).map { dim, times in
            if times == .fixed(1) { return dim }
            if dim == .fixed(1) { return times }
            guard let a = dim.value, let b = times.value, let n = checkedProduct([a, b]) else { return .unknown }
            return .fixed(n)
          }))
    ]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    var x = try inputs.required(0, of: self)
    guard let repeats = try inputs.required(1, of: self).integers(), repeats.count == x.rank,
      repeats.allSatisfy({ $0 >= 0 })
    else { throw ExecutionError(.invalidValue, "Tile needs one count for each axis") }
    // From the last axis to the first, each time as a broadcast over a new axis in front of it.
    for axis in x.shape.indices.reversed() where repeats[axis] != 1 {
      let (extent, overflow) = x.shape[axis].multipliedReportingOverflow(by: repeats[axis])
      guard !overflow else { throw ExecutionError(.limitExceeded, "Tile by \(repeats)") }
      var view = StridedView(x)
      view.shape.insert(repeats[axis], at: axis)
      view.steps.insert(0, at: axis)
      guard checkedProduct(view.shape) != nil else { throw ExecutionError(.limitExceeded, "Tile by \(repeats)") }
      var shape = x.shape
      shape[axis] = extent
      x = try view.copy(in: context).reshaped(shape)
    }
    return [x]
  }
}
