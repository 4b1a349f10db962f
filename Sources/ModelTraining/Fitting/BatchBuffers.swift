import ModelRuntime
import ModelTensor

/// Memory for batches: what the step before has let go of is filled again.
final class BatchBuffers: Sendable {
  private let pool = BufferPool(limit: .max)

  /// The rows of a tensor's first axis in this order.
  /// - Throws: `TensorError` for a row that there is not.
  func rows(_ order: ArraySlice<Int>, of tensor: Tensor) throws -> Tensor {
    let array = try tensor.array()
    guard array.dtype.arrayStride != nil, array.dtype != .string, let count = array.shape.first else {
      return try tensor.gather(Array(order))
    }
    let result = try pool.allocate(array.dtype, [order.count] + array.shape.dropFirst())
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
    return Tensor(result)
  }
}
