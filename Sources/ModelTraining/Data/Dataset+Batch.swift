import ModelTensor

// Batches of what is made of tensors: one, pairs, and triples of them.
extension Dataset {
  /// So many elements at a time, each of their tensors with a new first axis.
  private func batched(_ size: Int, _ dropRemainder: Bool, _ structure: Structure<Element>) throws -> Dataset {
    try grouped(size, dropRemainder, "batch") { elements in
      let parts = elements.map { structure.components($0) }
      let stacked = try parts[0].indices.map { index in Tensor(try NDArray.stacking(try parts.map { try $0.component(index).array() })) }
      return structure.replacing(elements[0], stacked)
    }
  }

  private func paddedBatches(
    _ size: Int, _ shapes: [[Int]?]?, _ values: [Double]?, _ dropRemainder: Bool, _ structure: Structure<Element>
  ) throws -> Dataset {
    try grouped(size, dropRemainder, "paddedBatch") { elements in
      let parts = elements.map { structure.components($0) }, count = parts[0].count
      guard shapes.map({ $0.count == count }) ?? true, values.map({ $0.count == count }) ?? true else {
        throw TensorError(.invalidArgument, "paddedBatch: an element has \(count) tensors, found shapes or values for another number")
      }
      let stacked = try parts[0].indices.map { index in
        let arrays = try parts.map { try $0.component(index).array() }
        var target = arrays[0].shape
        for array in arrays {
          guard array.rank == target.count else {
            throw TensorError(.shapeMismatch, "paddedBatch: elements of the shapes \(target) and \(array.shape)")
          }
          target = Swift.zip(target, array.shape).map { Swift.max($0, $1) }
        }
        if let wished = shapes?[index] {
          guard wished.count == target.count else {
            throw TensorError(.shapeMismatch, "paddedBatch: elements of the shape \(arrays[0].shape) do not pad to \(wished)")
          }
          target = Swift.zip(target, wished).map { $1 < 0 ? $0 : $1 }
        }
        return Tensor(try NDArray.stacking(try arrays.map { try $0.padded(to: target, value: values?[index] ?? 0) }))
      }
      return structure.replacing(elements[0], stacked)
    }
  }

  private func unbatched(_ structure: Structure<Element>) -> Dataset {
    flatMap { element in
      let arrays = try structure.components(element).map { try $0.array() }
      guard let count = arrays.first?.shape.first, arrays.allSatisfy({ $0.shape.first == count }) else {
        throw TensorError(.shapeMismatch, "unbatch: tensors of the shapes \(arrays.map(\.shape)) have no first axis in common")
      }
      return Dataset((0..<count).map { index in structure.replacing(element, arrays.map { $0.element(index) }) })
    }
  }

  /// So many elements at a time, as one.
  func grouped<Other: Sendable>(
    _ size: Int, _ dropRemainder: Bool, _ name: String, _ join: @escaping @Sendable ([Element]) throws -> Other
  ) throws -> Dataset<Other> {
    guard size > 0 else { throw TensorError(.invalidArgument, "\(name): batches of \(size) elements") }
    return deriving(cardinality.map { dropRemainder ? $0 / size : $0 == 0 ? 0 : ($0 - 1) / size + 1 }) { next in
      {
        var elements: [Element] = []
        while elements.count < size, let element = try next() { elements.append(element) }
        guard !elements.isEmpty, !dropRemainder || elements.count == size else { return nil }
        return try join(elements)
      }
    }
  }
}

extension [Tensor] {
  /// - Throws: `TensorError` when elements of a batch have different numbers of tensors.
  fileprivate func component(_ index: Int) throws -> Tensor {
    guard index < count else { throw TensorError(.shapeMismatch, "batch: elements with different numbers of tensors") }
    return self[index]
  }
}

extension Dataset where Element: DatasetElement {
  /// So many elements at a time, each of their tensors with a new first axis; the last batch may be smaller.
  /// - Throws: `TensorError` for a batch of none. Elements that do not stack throw when they are reached.
  public func batch(_ size: Int, dropRemainder: Bool = false) throws -> Dataset {
    try batched(size, dropRemainder, .single())
  }
  /// Batches of elements that differ in shape: padded behind, to the largest of the batch or to a given shape (-1 for the largest).
  /// - Parameters:
  ///   - paddedShapes: one for each tensor of an element.
  ///   - paddingValues: one for each tensor; 0 without (and the empty text).
  public func paddedBatch(
    _ size: Int, paddedShapes: [[Int]?]? = nil, paddingValues: [Double]? = nil, dropRemainder: Bool = false
  ) throws -> Dataset {
    try paddedBatches(size, paddedShapes, paddingValues, dropRemainder, .single())
  }
  /// The elements of batches, one by one.
  public func unbatch() -> Dataset { unbatched(.single()) }
}

extension Dataset {
  /// So many elements at a time, each of their tensors with a new first axis; the last batch may be smaller.
  /// - Throws: `TensorError` for a batch of none. Elements that do not stack throw when they are reached.
  public func batch<A: DatasetElement, B: DatasetElement>(_ size: Int, dropRemainder: Bool = false) throws -> Dataset
  where Element == (A, B) {
    try batched(size, dropRemainder, .pair())
  }
  /// Batches of elements that differ in shape: padded behind, to the largest of the batch or to a given shape (-1 for the largest).
  /// - Parameters:
  ///   - paddedShapes: one for each tensor of an element.
  ///   - paddingValues: one for each tensor; 0 without (and the empty text).
  public func paddedBatch<A: DatasetElement, B: DatasetElement>(
    _ size: Int, paddedShapes: [[Int]?]? = nil, paddingValues: [Double]? = nil, dropRemainder: Bool = false
  ) throws -> Dataset where Element == (A, B) {
    try paddedBatches(size, paddedShapes, paddingValues, dropRemainder, .pair())
  }
  /// The elements of batches, one by one.
  public func unbatch<A: DatasetElement, B: DatasetElement>() -> Dataset where Element == (A, B) { unbatched(.pair()) }
}

extension Dataset {
  /// So many elements at a time, each of their tensors with a new first axis; the last batch may be smaller.
  /// - Throws: `TensorError` for a batch of none. Elements that do not stack throw when they are reached.
  public func batch<A: DatasetElement, B: DatasetElement, C: DatasetElement>(_ size: Int, dropRemainder: Bool = false) throws -> Dataset
  where Element == (A, B, C) {
    try batched(size, dropRemainder, .triple())
  }
  /// Batches of elements that differ in shape: padded behind, to the largest of the batch or to a given shape (-1 for the largest).
  /// - Parameters:
  ///   - paddedShapes: one for each tensor of an element.
  ///   - paddingValues: one for each tensor; 0 without (and the empty text).
  public func paddedBatch<A: DatasetElement, B: DatasetElement, C: DatasetElement>(
    _ size: Int, paddedShapes: [[Int]?]? = nil, paddingValues: [Double]? = nil, dropRemainder: Bool = false
  ) throws -> Dataset where Element == (A, B, C) {
    try paddedBatches(size, paddedShapes, paddingValues, dropRemainder, .triple())
  }
  /// The elements of batches, one by one.
  public func unbatch<A: DatasetElement, B: DatasetElement, C: DatasetElement>() -> Dataset where Element == (A, B, C) {
    unbatched(.triple())
  }
}
