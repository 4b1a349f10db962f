import ModelGraph
import ModelTensor

/// Walks the elements of operands that broadcast to a common shape, run by run.
struct BroadcastWalk {
  let shape: [Int]
  /// Per operand, the step of each axis in elements; 0 where it broadcasts.
  let steps: [[Int]]

  /// Two operands that are single elements.
  static let ofElements = BroadcastWalk(shape: [], steps: [[], []])

  init(shape: [Int], steps: [[Int]]) {
    self.shape = shape
    self.steps = steps
  }

  /// - Throws: `ExecutionError.shapeMismatch`.
  init(_ shapes: [[Int]]) throws {
    let rank = shapes.map(\.count).max() ?? 0
    var shape = [Int](repeating: 1, count: rank)
    for extents in shapes {
      for (i, extent) in extents.enumerated() {
        let axis = rank - extents.count + i
        if shape[axis] == 1 {
          shape[axis] = extent
        } else if extent != 1, extent != shape[axis] {
          throw ExecutionError(.shapeMismatch, "shapes \(shapes) do not broadcast together")
        }
      }
    }
    self.shape = shape
    steps = shapes.map { extents in
      var step = 1
      var result = [Int](repeating: 0, count: rank)
      for i in extents.indices.reversed() {
        let axis = rank - extents.count + i
        result[axis] = extents[i] == 1 ? 0 : step
        step *= extents[i]
      }
      return result
    }
  }

  /// Calls `body(offset of the result, offsets of the operands, length)` for each innermost run. Within a
  /// run, operand `i` moves by `steps[i].last`.
  func forEachRun(_ body: (_ place: Int, _ offsets: UnsafeMutableBufferPointer<Int>, _ length: Int) -> Void) {
    guard !shape.contains(0) else { return }
    let rank = shape.count
    let length = rank == 0 ? 1 : shape[rank - 1]
    let outer = rank <= 1 ? 1 : shape[..<(rank - 1)].reduce(1, *)
    // On the stack: an index for each axis, an offset for each operand.
    withUnsafeTemporaryAllocation(of: Int.self, capacity: rank + steps.count + 1) { places in
      places.initialize(repeating: 0)
      let index = places, offsets = UnsafeMutableBufferPointer(rebasing: places[rank...])
      for run in 0..<outer {
        body(run * length, offsets, length)
        var axis = rank - 2
        while axis >= 0 {
          index[axis] += 1
          for i in steps.indices { offsets[i] += steps[i][axis] }
          if index[axis] < shape[axis] { break }
          for i in steps.indices { offsets[i] -= steps[i][axis] * shape[axis] }
          index[axis] = 0
          axis -= 1
        }
      }
    }
  }
}

/// A broadcast walk whose axes are merged where all operands allow it, as blocks of `rows` rows of `count` elements.
struct BroadcastRows {
  let rows: Int, count: Int
  /// Per operand: 0 or 1 within a row, and how far the next row is.
  let steps: [Int], rowSteps: [Int]
  private let outer: BroadcastWalk

  /// `nil` when no operand moves along the innermost axis (all are then single elements).
  init?(_ walk: BroadcastWalk) {
    var extents: [Int] = [], moves: [[Int]] = []
    for axis in walk.shape.indices where walk.shape[axis] != 1 {
      let step = walk.steps.map { $0[axis] }
      // The axis before continues this one when each operand's step there is this one's times the extent.
      if let last = moves.last, zip(last, step).allSatisfy({ $0 == $1 * walk.shape[axis] }) {
        extents[extents.count - 1] *= walk.shape[axis]
        moves[moves.count - 1] = step
      } else {
        extents.append(walk.shape[axis])
        moves.append(step)
      }
    }
    count = extents.popLast() ?? 1
    steps = moves.popLast() ?? walk.steps.map { _ in 1 }
    guard steps.contains(1), steps.allSatisfy({ $0 <= 1 }) else { return nil }
    rows = extents.popLast() ?? 1
    rowSteps = moves.popLast() ?? walk.steps.map { _ in 0 }
    outer = BroadcastWalk(shape: extents + [1], steps: walk.steps.indices.map { i in moves.map { $0[i] } + [0] })
  }

  func forEachBlock(_ body: (_ place: Int, _ offsets: UnsafeMutableBufferPointer<Int>) -> Void) {
    outer.forEachRun { place, offsets, _ in body(place * rows * count, offsets) }
  }
}

/// `result[i] = function(a[i], b[i])` with NumPy broadcasting.
/// - Parameter remembered: of a node whose only inputs `a` and `b` are.
func broadcastMap<T, U>(
  _ a: NDArray, _ b: NDArray, _: T.Type, to dtype: DType, _: U.Type, in context: ExecutionContext, remembered: RememberedInputs? = nil,
  _ function: (T, T) -> U
) throws -> NDArray {
  // Most operands need no walk: equal shapes, or a number on one side.
  let aIsScalar = a.count == 1 && a.rank <= b.rank, bIsScalar = b.count == 1 && b.rank <= a.rank
  if a.shape == b.shape || aIsScalar || bIsScalar {
    let result = try context.allocate(dtype, bIsScalar ? a.shape : b.shape)
    let stepA = aIsScalar && a.count != result.count ? 0 : 1, stepB = bIsScalar && b.count != result.count ? 0 : 1
    a.with(T.self) { x in
      b.with(T.self) { y in
        result.withMutable(U.self) { z in for i in 0..<z.count { z[i] = function(x[i * stepA], y[i * stepB]) } }
      }
    }
    return result
  }
  let walk = try remembered.prepared { try BroadcastWalk([a.shape, b.shape]) }
  let result = try context.allocate(dtype, walk.shape)
  let stepA = walk.steps[0].last ?? 0, stepB = walk.steps[1].last ?? 0
  a.with(T.self) { x in
    b.with(T.self) { y in
      result.withMutable(U.self) { z in
        walk.forEachRun { place, offsets, length in
          for i in 0..<length { z[place + i] = function(x[offsets[0] + i * stepA], y[offsets[1] + i * stepB]) }
        }
      }
    }
  }
  return result
}

/// The memo of a node and the inputs that it is asked about.
struct RememberedInputs {
  let memo: KernelMemo
  let inputs: [NDArray?]
  init?(_ memo: KernelMemo?, _ inputs: [NDArray?]) {
    guard let memo else { return nil }
    self.memo = memo
    self.inputs = inputs
  }
}

extension RememberedInputs? {
  func prepared<Content>(_ make: () throws -> Content) rethrows -> Content {
    guard let self else { return try make() }
    return try KernelMemo?.some(self.memo).prepared(self.inputs, make)
  }
}
