import ModelGraph
import ModelTensor

/// `y[i][j] = x[indices[i][j]][j]` along `axis`.
public struct GatherElementsOp: PreparedOp {
  public static let name = "GatherElements"
  public static let family = OpFamily.array
  public var axis: Int
  public init(axis: Int = 0) { self.axis = axis }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self).type, picked = try inputs.required(1, of: self).type
    try checkRank(ofIndices: picked, into: x, of: self)
    return [TensorType(x.dtype, picked.shape)]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext, memo: KernelMemo?, into results: inout [NDArray]) throws {
    let x = try inputs.required(0, of: self), picked = try inputs.required(1, of: self)
    let axis = try indexedAxis(axis, rank: x.rank)
    guard picked.rank == x.rank, axis < x.rank, picked.dtype.isInteger || picked.dtype == .bool else {
      throw ExecutionError(.shapeMismatch, "GatherElements of \(x.type) at \(picked.type)")
    }
    if x.dtype == .string {
      var places: [Int] = []
      try forEachElementPlace(picked, in: x.shape, axis: axis, op: self) { _, place in places.append(place) }
      results.append(try x.reshaped([x.count]).picking(places, shape: picked.shape, in: context))
      return
    }
    let result = try context.allocate(x.dtype, picked.shape), size = x.dtype.arrayStride ?? 1
    try x.withBytes { source in
      try result.withMutableBytes { destination in
        guard let from = source.baseAddress, let to = destination.baseAddress else { return }
        try forEachElementPlace(picked, in: x.shape, axis: axis, op: self) { index, place in
          (to + index * size).copyMemory(from: from + place * size, byteCount: size)
        }
      }
    }
    results.append(result)
  }
}

/// Indices of elements have an axis for each of the value's.
func checkRank(ofIndices picked: TensorType, into x: TensorType, of op: any Op) throws {
  guard let rank = x.shape.rank, let own = picked.shape.rank, rank != own else { return }
  throw GraphError(.shapeMismatch, "\(op.displayName) of \(x) at \(picked), which has another rank")
}

/// Calls `body` for each element of an index tensor with its own place, and the one in `shape` that it names along `axis`.
func forEachElementPlace(
  _ picked: NDArray, in shape: [Int], axis: Int, op: some Op, _ body: (_ index: Int, _ place: Int) -> Void
) throws {
  let extents = picked.shape, rank = shape.count
  for i in shape.indices where i != axis && extents[i] > shape[i] {
    throw ExecutionError(.shapeMismatch, "\(op.displayName): indices \(extents) for \(shape)")
  }
  try withUnsafeTemporaryAllocation(of: Int.self, capacity: 2 * rank + 1) { scratch in
    scratch.initialize(repeating: 0)
    let position = scratch, steps = UnsafeMutableBufferPointer(rebasing: scratch[rank...])
    var step = 1
    for i in shape.indices.reversed() {
      steps[i] = step
      step *= shape[i]
    }
    func visit(_ index: Int, _ count: Int) throws {
      let row = index < 0 ? index &+ shape[axis] : index
      guard row >= 0, row < shape[axis] else { throw ExecutionError(.invalidValue, "\(op.displayName): index \(index) of \(shape[axis])") }
      var place = 0
      for i in shape.indices { place += (i == axis ? row : position[i]) * steps[i] }
      body(count, place)
      var i = rank - 1
      while i >= 0 {
        position[i] += 1
        if position[i] < extents[i] { break }
        position[i] = 0
        i -= 1
      }
    }
    switch picked.dtype {
    case .int64: try picked.with(Int64.self) { for i in $0.indices { try visit(Int($0[i]), i) } }
    case .int32: try picked.with(Int32.self) { for i in $0.indices { try visit(Int($0[i]), i) } }
    default: for (i, index) in (picked.integers() ?? []).enumerated() { try visit(index, i) }
    }
  }
}

extension StridedView {
  static func steps(of shape: [Int]) -> [Int] {
    var result = [Int](repeating: 1, count: shape.count), step = 1
    for axis in shape.indices.reversed() {
      result[axis] = step
      step *= shape[axis]
    }
    return result
  }
}

extension NDArray {
  /// The elements at `places` of a flat array.
  func picking(_ places: [Int], run: Int = 1, shape: [Int], in context: ExecutionContext) throws -> NDArray {
    if dtype == .string {
      let strings = self.strings
      return NDArray(strings: places.flatMap { strings[($0 * run)..<(($0 + 1) * run)] }, shape)
    }
    let result = try context.allocate(dtype, shape)
    let size = (dtype.arrayStride ?? 1) * run
    withBytes { source in
      result.withMutableBytes { destination in
        guard let from = source.baseAddress, var to = destination.baseAddress, size > 0 else { return }
        for place in places {
          to.copyMemory(from: from + place * size, byteCount: size)
          to += size
        }
      }
    }
    return result
  }
}
