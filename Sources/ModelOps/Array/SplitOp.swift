import ModelGraph
import ModelTensor

/// Cuts `x` along `axis` into `count` parts: of the lengths in `sizes` (int64 vector), or equal ones,
/// the last being shorter when the extent is not divisible.
public struct SplitOp: PrimitiveOp {
  public static let name = "Split"
  public static let family = OpFamily.array
  public var axis: Int
  public var count: Int
  public init(axis: Int = 0, count: Int) {
    self.axis = axis
    self.count = count
  }
  private func sizes(_ given: [Int]?, extent: Int) throws -> [Int] {
    if let given {
      guard given.count == count, given.allSatisfy({ (0...extent).contains($0) }), given.reduce(0, &+) == extent else {
        throw GraphError(.shapeMismatch, "Split of an extent of \(extent) into \(given)")
      }
      return given
    }
    guard count > 0 else { throw GraphError(.invalidAttribute, "Split into \(count) parts") }
    let size = (extent + count - 1) / count
    return (0..<count).map { max(0, min(size, extent - $0 * size)) }
  }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self)
    guard count >= 0, count <= 65536 else { throw GraphError(.invalidAttribute, "Split into \(count) parts") }
    guard let dims = x.type.shape.dims else { return Array(repeating: TensorType(x.type.dtype, .unranked), count: count) }
    let axis = try indexedAxis(axis, rank: dims.count)
    let given = inputs.optional(1)
    let parts: [Int?]
    if let extent = dims[axis].value, given == nil || given?.integers != nil {
      parts = try sizes(given?.integers, extent: extent)
    } else {
      parts = given?.integers ?? Array(repeating: nil, count: count)
    }
    return (0..<count).map { index in
      var result = dims
      result[axis] = (index < parts.count ? parts[index] : nil).map(Dim.fixed) ?? .unknown
      return TensorType(x.type.dtype, .ranked(result))
    }
  }
  /// The parts of a vector whose elements are known.
  public func inferElements(_ inputs: [Fact?]) -> [[Dim]?] {
    guard let x = inputs.first ?? nil, x.type.shape.rank == 1, let elements = x.elements, inputs.count < 2 || inputs[1]?.integers != nil,
      (0...1024).contains(count), let sizes = try? sizes(inputs.count > 1 ? inputs[1]?.integers : nil, extent: elements.count)
    else { return [] }
    var start = 0
    return sizes.map { size in
      defer { start += size }
      return Array(elements[start..<min(elements.count, start + size)])
    }
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    let axis = try indexedAxis(axis, rank: x.rank)
    guard axis < x.rank else { throw ExecutionError(.shapeMismatch, "Split of a scalar") }
    var start = 0
    return try sizes(inputs.optional(1)?.integers(), extent: x.shape[axis]).map { size in
      var view = StridedView(x)
      view.offset = start * view.steps[axis]
      view.shape[axis] = size
      start += size
      return try view.copy(in: context)
    }
  }
}
