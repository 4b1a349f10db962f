import ModelRuntime
import ModelTensor

/// Memory for batches: what the step before has let go of is filled again.
final class BatchBuffers: Sendable {
  private let pool = BufferPool(limit: .max)

  /// The rows of a tensor's first axis in this order.
  /// - Throws: `TensorError` for a row that there is not.
  func rows(_ order: ArraySlice<Int>, of tensor: Tensor) throws -> Tensor {
    let array = try tensor.array()
    guard array.dtype.arrayStride != nil, array.dtype != .string, !array.shape.isEmpty else {
      return try tensor.gather(Array(order))
    }
    let result = try pool.allocate(array.dtype, [order.count] + array.shape.dropFirst())
    try copy(order, of: array, to: result)
    return Tensor(result)
  }

  /// The same in place of `old`, which earlier rows of that tensor were given as: where nothing else holds that and its memory, nothing new is made.
  func refill(_ old: inout Tensor, _ order: ArraySlice<Int>, of tensor: Tensor) throws {
    guard old.hasRows(order.count), var array = old.takeArray(), pool.isSole(&array) else {
      old = try rows(order, of: tensor)
      return
    }
    try copy(order, of: try tensor.array(), to: array)
    _ = old.exchange(array)
  }

  private func copy(_ order: ArraySlice<Int>, of array: NDArray, to result: NDArray) throws {
    guard let count = array.shape.first else { return }
    let size = array.byteCount / max(1, count)
    try array.withBytes { source in
      try result.withMutableBytes { target in
        for (place, row) in order.enumerated() {
          guard row >= 0, row < count else { throw TensorError(.outOfRange, "a batch with sample \(row) of \(count)") }
          UnsafeMutableRawBufferPointer(rebasing: target[(place * size)..<((place + 1) * size)])
            .copyMemory(from: UnsafeRawBufferPointer(rebasing: source[(row * size)..<((row + 1) * size)]))
        }
      }
    }
  }
}

extension Tensor {
  fileprivate func hasRows(_ count: Int) -> Bool { heldArray?.shape.first == count }
}
