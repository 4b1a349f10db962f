import ModelGraph
import ModelTensor

/// A view of a dense array with a step for each axis; `copy` makes it dense.
struct StridedView {
  let array: NDArray
  var shape: [Int]
  var steps: [Int]
  var offset = 0

  init(_ array: NDArray) {
    self.array = array
    shape = array.shape
    var step = 1
    steps = Array(repeating: 1, count: array.rank)
    for axis in array.shape.indices.reversed() {
      steps[axis] = step
      step *= array.shape[axis]
    }
  }

  /// - Precondition: every place the steps lead to is in `array`.
  init(_ array: NDArray, shape: [Int], steps: [Int], offset: Int = 0) {
    self.array = array
    self.shape = shape
    self.steps = steps
    self.offset = offset
  }

  func permuted(_ permutation: [Int]) -> StridedView {
    var view = self
    view.shape = permutation.map { shape[$0] }
    view.steps = permutation.map { steps[$0] }
    return view
  }

  func copy(in context: ExecutionContext) throws -> NDArray {
    if array.dtype == .string {
      let source = array.strings
      var out: [[UInt8]] = []
      out.reserveCapacity(shape.reduce(1, *))
      forEachRun { position, length, step in for i in 0..<length { out.append(source[position + i * step]) } }
      return NDArray(strings: out, shape)
    }
    let result = try context.allocate(array.dtype, shape)
    switch array.dtype.arrayStride {
    case 1: fill(result, UInt8.self)
    case 2: fill(result, UInt16.self)
    case 4: fill(result, UInt32.self)
    case 8: fill(result, UInt64.self)
    case 16: fill(result, SIMD2<UInt64>.self)
    default: throw ExecutionError(.noKernel, "no copy of \(array.dtype)")
    }
    return result
  }

  private func fill<T>(_ result: NDArray, _: T.Type) {
    array.with(T.self) { source in
      result.withMutable(T.self) { destination in
        guard let from = source.baseAddress, let to = destination.baseAddress else { return }
        var place = 0
        forEachRun { position, length, step in
          let start = from + position
          if step == 1 {
            (to + place).update(from: start, count: length)
          } else {
            for i in 0..<length { to[place + i] = start[i * step] }
          }
          place += length
        }
      }
    }
  }

  private func forEachRun(_ body: (_ position: Int, _ length: Int, _ step: Int) -> Void) {
    guard !shape.contains(0) else { return }
    guard let length = shape.last, let step = steps.last else { body(offset, 1, 1); return }
    let rank = shape.count
    var position = offset
    let runs = shape.dropLast().reduce(1, *)
    withUnsafeTemporaryAllocation(of: Int.self, capacity: rank) { index in
      index.initialize(repeating: 0)
      for _ in 0..<runs {
        body(position, length, step)
        var axis = rank - 2
        while axis >= 0 {
          index[axis] += 1
          position += steps[axis]
          if index[axis] < shape[axis] { break }
          position -= steps[axis] * shape[axis]
          index[axis] = 0
          axis -= 1
        }
      }
    }
  }
}
