import ModelGraph
import ModelTensor

/// `y[i][j] = x[indices[i][j]][j]` along `axis`.
public struct GatherElementsOp: PrimitiveOp {
  public static let name = "GatherElements"
  public static let family = OpFamily.array
  public var axis: Int
  public init(axis: Int = 0) { self.axis = axis }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self).type, picked = try inputs.required(1, of: self).type
    try checkRank(ofIndices: picked, into: x, of: self)
    return [TensorType(x.dtype, picked.shape)]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self), picked = try inputs.required(1, of: self)
    let axis = try indexedAxis(axis, rank: x.rank)
    guard picked.rank == x.rank, axis < x.rank, let indices = picked.integers() else {
      throw ExecutionError(.shapeMismatch, "GatherElements of \(x.type) at \(picked.type)")
    }
    let places = try elementPlaces(indices, picked.shape, in: x.shape, axis: axis, op: self)
    return [try x.reshaped([x.count]).picking(places, shape: picked.shape, in: context)]
  }
}

/// Indices of elements have an axis for each of the value's.
func checkRank(ofIndices picked: TensorType, into x: TensorType, of op: any Op) throws {
  guard let rank = x.shape.rank, let own = picked.shape.rank, rank != own else { return }
  throw GraphError(.shapeMismatch, "\(op.displayName) of \(x) at \(picked), which has another rank")
}

/// For each element of an index tensor, the place in `shape` that it names along `axis`.
func elementPlaces(_ indices: [Int], _ indexShape: [Int], in shape: [Int], axis: Int, op: any Op) throws -> [Int] {
  let steps = StridedView.steps(of: shape)
  for i in shape.indices where i != axis && indexShape[i] > shape[i] {
    throw ExecutionError(.shapeMismatch, "\(op.displayName): indices \(indexShape) for \(shape)")
  }
  var result: [Int] = []
  result.reserveCapacity(indices.count)
  var position = [Int](repeating: 0, count: shape.count)
  for index in indices {
    let row = index < 0 ? index &+ shape[axis] : index
    guard row >= 0, row < shape[axis] else { throw ExecutionError(.invalidValue, "\(op.displayName): index \(index) of \(shape[axis])") }
    var place = 0
    for i in shape.indices { place += (i == axis ? row : position[i]) * steps[i] }
    result.append(place)
    var i = shape.count - 1
    while i >= 0 {
      position[i] += 1
      if position[i] < indexShape[i] { break }
      position[i] = 0
      i -= 1
    }
  }
  return result
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
