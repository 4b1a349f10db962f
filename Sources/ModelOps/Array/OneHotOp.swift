import ModelGraph
import ModelTensor

/// `on` at each index along a new axis, `off` elsewhere. Inputs: `indices`, `depth` (scalar), `values`
/// (`[off, on]`); negative indices count from the end, those outside give all `off`.
public struct OneHotOp: PrimitiveOp {
  public static let name = "OneHot"
  public static let family = OpFamily.array
  public var axis: Int
  public init(axis: Int = -1) { self.axis = axis }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let indices = try inputs.required(0, of: self), values = try inputs.required(2, of: self)
    guard var dims = indices.type.shape.dims else { return [TensorType(values.type.dtype, .unranked)] }
    let depth = try inputs.required(1, of: self).scalar.flatMap { Int(exactly: $0) }
    dims.insert(depth.map(Dim.fixed) ?? .unknown, at: try normalizeAxis(axis, rank: dims.count + 1))
    return [TensorType(values.type.dtype, .ranked(dims))]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let indices = try inputs.required(0, of: self), values = try inputs.required(2, of: self)
    guard let wide = try inputs.required(1, of: self).doubles().first, let depth = Int(exactly: wide.rounded(.towardZero)), depth >= 0,
      values.count == 2
    else { throw ExecutionError(.invalidInput, "OneHot takes a depth and two values") }
    let axis = try normalizeAxis(axis, rank: indices.rank + 1)
    var shape = indices.shape
    shape.insert(depth, at: axis)
    guard let total = checkedProduct(shape), total <= 1 << 32 else { throw ExecutionError(.limitExceeded, "OneHot of depth \(depth)") }
    try context.demand(.float64, shape)
    let inner = indices.shape[axis...].reduce(1, *)
    var places: [Int] = []
    let whole = indices.dtype == .uint64 ? indices.values(UInt64.self).map { Int(clamping: $0) } : indices.integers()
    for (place, index) in (whole ?? indices.doubles().map { Int(exactly: $0.rounded(.towardZero)) ?? .min }).enumerated() {
      let row = index < 0 ? index &+ depth : index
      guard row >= 0, row < depth else { continue }
      places.append((place / inner * depth + row) * inner + place % inner)
    }
    // Doubles don't hold all integers of 64 bits.
    if let pair = values.integers() {
      var out = [Int64](repeating: Int64(pair[0]), count: total)
      for place in places { out[place] = Int64(pair[1]) }
      return [try NDArray(out, shape).cast(to: values.dtype, in: context)]
    }
    let pair = values.doubles()
    var out = [Double](repeating: pair[0], count: total)
    for place in places { out[place] = pair[1] }
    return [try NDArray(out, shape).cast(to: values.dtype, in: context)]
  }
}
