import ModelGraph
import ModelTensor

/// What happens when an update meets what is there.
public enum ScatterReduction: String, Sendable, AttributeConvertible {
  case none, add, mul, max, min
  public var attributeValue: AttributeValue { .string(rawValue) }
  func combine(_ old: Double, _ new: Double) -> Double {
    switch self {
    case .none: new
    case .add: old + new
    case .mul: old * new
    case .max: Swift.max(old, new)
    case .min: Swift.min(old, new)
    }
  }
  /// Integers wrap.
  func combine<T: FixedWidthInteger>(_ old: T, _ new: T) -> T {
    switch self {
    case .none: new
    case .add: old &+ new
    case .mul: old &* new
    case .max: Swift.max(old, new)
    case .min: Swift.min(old, new)
    }
  }
}

/// A copy of `x` with `updates` put at `indices` along `axis`.
public struct ScatterElementsOp: PreparedOp {
  public static let name = "ScatterElements"
  public static let family = OpFamily.array
  public var axis: Int
  public var reduction: ScatterReduction
  public init(axis: Int = 0, reduction: ScatterReduction = .none) {
    self.axis = axis
    self.reduction = reduction
  }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self).type
    try checkRank(ofIndices: try inputs.required(1, of: self).type, into: x, of: self)
    return [x]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext, memo: KernelMemo?, into results: inout [NDArray]) throws {
    let x = try inputs.required(0, of: self), picked = try inputs.required(1, of: self), updates = try inputs.required(2, of: self)
    let axis = try indexedAxis(axis, rank: x.rank)
    guard picked.shape == updates.shape, picked.rank == x.rank, axis < x.rank, picked.dtype.isInteger || picked.dtype == .bool,
      updates.dtype == x.dtype
    else { throw ExecutionError(.shapeMismatch, "ScatterElements of \(updates.type) into \(x.type)") }
    if x.dtype == .float32 {
      results.append(try scatterFloats(x, picked, updates, axis, in: context))
      return
    }
    var places: [Int] = []
    places.reserveCapacity(picked.count)
    try forEachElementPlace(picked, in: x.shape, axis: axis, op: self) { _, place in places.append(place) }
    results.append(try scatter(x, places, run: 1, updates, reduction, in: context))
  }

  /// What training does in every step.
  private func scatterFloats(
    _ x: NDArray, _ picked: NDArray, _ updates: NDArray, _ axis: Int, in context: ExecutionContext
  ) throws -> NDArray {
    let result = try context.allocate(.float32, x.shape), reduction = reduction
    try x.with(Float.self) { old in
      try updates.with(Float.self) { new in
        try result.withMutable(Float.self) { y in
          guard let from = old.baseAddress, let to = y.baseAddress else { return }
          to.update(from: from, count: old.count)
          try forEachElementPlace(picked, in: x.shape, axis: axis, op: self) { index, place in
            to[place] = reduction == .none ? new[index] : Float(reduction.combine(Double(to[place]), Double(new[index])))
          }
        }
      }
    }
    return result
  }
}

/// A copy of `x` with slices of `updates` put at the index tuples in the last axis of `indices`.
public struct ScatterNDOp: PrimitiveOp {
  public static let name = "ScatterND"
  public static let family = OpFamily.array
  public var reduction: ScatterReduction
  public init(reduction: ScatterReduction = .none) { self.reduction = reduction }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] { [try inputs.required(0, of: self).type] }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self), picked = try inputs.required(1, of: self), updates = try inputs.required(2, of: self)
    guard let depth = picked.shape.last, depth <= x.rank, let indices = picked.integers(), updates.dtype == x.dtype,
      updates.shape == Array(picked.shape.dropLast()) + x.shape[depth...]
    else { throw ExecutionError(.shapeMismatch, "ScatterND of \(updates.type) into \(x.type) at \(picked.type)") }
    let run = x.shape[depth...].reduce(1, *)
    var places: [Int] = []
    for t in 0..<picked.shape.dropLast().reduce(1, *) {
      var place = 0
      for d in 0..<depth {
        let index = indices[t * depth + d], extent = x.shape[d]
        let row = index < 0 ? index &+ extent : index
        guard row >= 0, row < extent else { throw ExecutionError(.invalidValue, "ScatterND: index \(index) of \(extent)") }
        place = place * extent + row
      }
      places.append(place)
    }
    return [try scatter(x, places, run: run, updates, reduction, in: context)]
  }
}

private func scatter(
  _ x: NDArray, _ places: [Int], run: Int, _ updates: NDArray, _ reduction: ScatterReduction, in context: ExecutionContext
) throws -> NDArray {
  if x.dtype == .string {
    guard reduction == .none else { throw ExecutionError(.noKernel, "no reduction of strings") }
    var out = x.strings
    let new = updates.strings
    for (i, place) in places.enumerated() { for j in 0..<run { out[place * run + j] = new[i * run + j] } }
    return NDArray(strings: out, x.shape)
  }
  if reduction == .none {
    let result = try StridedView(x).copy(in: context)
    let size = (x.dtype.arrayStride ?? 1) * run
    updates.withBytes { source in
      result.withMutableBytes { destination in
        guard let from = source.baseAddress, let to = destination.baseAddress, size > 0 else { return }
        for (i, place) in places.enumerated() { (to + place * size).copyMemory(from: from + i * size, byteCount: size) }
      }
    }
    return result
  }
  func reduced<T>(_ old: [T], _ new: [T], _ combine: (T, T) -> T) -> [T] {
    var out = old
    for (i, place) in places.enumerated() {
      for j in 0..<run { out[place * run + j] = combine(out[place * run + j], new[i * run + j]) }
    }
    return out
  }
  if x.dtype == .uint64 {
    return NDArray(reduced(x.values(UInt64.self), updates.values(UInt64.self)) { reduction.combine($0, $1) }, x.shape)
  }
  if let old = x.integers(), let new = updates.integers() {
    let out = reduced(old, new) { reduction.combine($0, $1) }
    return try NDArray(out.map(Int64.init), x.shape).cast(to: x.dtype, in: context)
  }
  let out = reduced(x.doubles(), updates.doubles()) { reduction.combine($0, $1) }
  return try NDArray(out, x.shape).cast(to: x.dtype, in: context)
}
