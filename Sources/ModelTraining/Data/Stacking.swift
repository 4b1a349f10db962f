import ModelTensor

extension NDArray {
  /// Arrays of one dtype and shape, one behind the other along a new first axis.
  /// - Throws: `TensorError` for arrays that differ.
  static func stacking(_ arrays: [NDArray]) throws -> NDArray {
    guard let first = arrays.first else { throw TensorError(.invalidArgument, "batch: no elements") }
    if let other = arrays.first(where: { $0.shape != first.shape || $0.dtype != first.dtype }) {
      throw TensorError(
        .shapeMismatch, "batch: elements of \(first.type) and \(other.type) do not stack; paddedBatch pads those that differ in shape")
    }
    if first.dtype == .string { return NDArray(strings: arrays.flatMap(\.strings), [arrays.count] + first.shape) }
    let result = NDArray(uninitialized: first.dtype, [arrays.count] + first.shape)
    result.withMutableBytes { all in
      for (index, array) in arrays.enumerated() {
        array.withBytes { bytes in
          UnsafeMutableRawBufferPointer(rebasing: all[(index * bytes.count)..<((index + 1) * bytes.count)]).copyMemory(from: bytes)
        }
      }
    }
    return result
  }

  /// The same elements in front of a larger array that is `value` elsewhere.
  /// - Throws: `TensorError` when it does not fit.
  func padded(to target: [Int], value: Double, text: [UInt8] = []) throws -> NDArray {
    guard target.count == rank, Swift.zip(target, shape).allSatisfy({ $0 >= $1 }) else {
      throw TensorError(.shapeMismatch, "paddedBatch: an element of the shape \(shape) does not fit \(target)")
    }
    if target == shape { return self }
    if dtype == .string {
      var values = [[UInt8]](repeating: text, count: target.reduce(1, *))
      let own = strings
      eachRow(target) { from, to, count in for i in 0..<count { values[to + i] = own[from + i] } }
      return NDArray(strings: values, target)
    }
    let result = try Tensor.full(target, value, dtype: dtype).array()
    let size = dtype.arrayStride ?? 1
    result.withMutableBytes { out in
      withBytes { bytes in
        eachRow(target) { from, to, count in
          guard count > 0 else { return }
          UnsafeMutableRawBufferPointer(rebasing: out[(to * size)..<((to + count) * size)]).copyMemory(
            from: UnsafeRawBufferPointer(rebasing: bytes[(from * size)..<((from + count) * size)]))
        }
      }
    }
    return result
  }

  /// Where each row of the last axis stands here, and in an array of the shape `target`.
  private func eachRow(_ target: [Int], _ body: (_ from: Int, _ to: Int, _ count: Int) -> Void) {
    let width = shape.last ?? 1, rows = Swift.max(1, shape.dropLast().reduce(1, *))
    guard !shape.contains(0) else { return }
    var place = [Int](repeating: 0, count: Swift.max(0, rank - 1))
    for row in 0..<rows {
      var to = 0
      for axis in place.indices { to = to * target[axis] + place[axis] }
      body(row * width, to * (target.last ?? 1), width)
      for axis in place.indices.reversed() {
        place[axis] += 1
        if place[axis] < shape[axis] { break }
        place[axis] = 0
      }
    }
  }
}
