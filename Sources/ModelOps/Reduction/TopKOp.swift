import ModelGraph
import ModelTensor

/// The `k` (int64 input of one element) largest or smallest elements along `axis`, with their indices.
///
/// Results: values, indices (int64). Equals keep the lower index first.
public struct TopKOp: PrimitiveOp {
  public static let name = "TopK"
  public static let family = OpFamily.reduction
  public var axis: Int
  public var largest: Bool
  public var sorted: Bool
  public init(axis: Int = -1, largest: Bool = true, sorted: Bool = true) {
    self.axis = axis
    self.largest = largest
    self.sorted = sorted
  }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self)
    guard var dims = x.type.shape.dims else { return [TensorType(x.type.dtype, .unranked), TensorType(.int64, .unranked)] }
    dims[try indexedAxis(axis, rank: dims.count)] = try inputs.required(1, of: self).integers?.first.map(Dim.fixed) ?? .unknown
    return [TensorType(x.type.dtype, .ranked(dims)), TensorType(.int64, .ranked(dims))]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    let axis = try indexedAxis(axis, rank: x.rank)
    guard axis < x.rank, let k = try inputs.required(1, of: self).integers()?.first, k >= 0, k <= x.shape[axis] else {
      throw ExecutionError(.invalidValue, "TopK of \(x.shape) along axis \(axis)")
    }
    var shape = x.shape
    shape[axis] = k
    let (places, indices) = x.orderedIntegers().map { rank($0, x.shape, shape, axis, k) } ?? rank(x.doubles(), x.shape, shape, axis, k)
    return [try x.reshaped([x.count]).picking(places, shape: shape, in: context), NDArray(indices, shape)]
  }

  /// Where the best elements stand in the whole, and along the axis.
  private func rank<T: Comparable>(_ values: [T], _ extents: [Int], _ shape: [Int], _ axis: Int, _ k: Int) -> ([Int], [Int64]) {
    let view = AxisView(extents, axis: axis), target = AxisView(shape, axis: axis)
    var places = [Int](repeating: 0, count: shape.reduce(1, *)), indices = [Int64](repeating: 0, count: places.count)
    var line = 0
    view.forEachLine { base, step in
      let order = (0..<view.extent).sorted { a, b in
        let x = values[base + a * step], y = values[base + b * step]
        if x == y { return a < b }
        return largest ? x > y : x < y
      }
      let start = line / target.inner * k * target.inner + line % target.inner
      for i in 0..<k {
        places[start + i * target.inner] = base + order[i] * step
        indices[start + i * target.inner] = Int64(order[i])
      }
      line += 1
    }
    return (places, indices)
  }
}
