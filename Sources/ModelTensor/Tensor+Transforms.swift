import ModelSupport

extension Tensor {
  /// The same elements under another shape; no bytes move.
  public func reshaped(_ extents: [Int]) -> Tensor {
    Tensor(TensorType(dtype, Shape(extents), quantization: quantization(reshapedTo: extents)), source: source)
  }

  /// Scales of an axis stay with it: it is the one behind as many elements, of the same extent.
  private func quantization(reshapedTo extents: [Int]) -> Quantization? {
    guard var result = type.quantization, let axis = result.axis, self.extents.indices.contains(axis) else { return type.quantization }
    let extent = self.extents[axis]
    guard extent != 1, let outer = checkedProduct(Array(self.extents[..<axis])) else { return result }
    var before = 1
    for (place, size) in extents.enumerated() {
      if before == outer, size == extent {
        result.axis = place
        return result
      }
      before = before.multipliedReportingOverflow(by: size).partialValue
    }
    return result
  }

  /// The tensor with its axes permuted, lazily: result axis `i` is axis `permutation[i]` of this one.
  /// - Precondition: `permutation` permutes the axes.
  public func transposed(_ permutation: [Int]) -> Tensor {
    let old = extents
    guard permutation != Array(0..<old.count) else { return self }
    let extents = permutation.map { old[$0] }
    var quantization = type.quantization
    if let axis = quantization?.axis { quantization?.axis = permutation.firstIndex(of: axis) }
    let type = TensorType(dtype, Shape(extents), quantization: quantization)
    // Axes of extent 1 may move without any byte moving.
    if permutation.filter({ old[$0] != 1 }) == permutation.filter({ old[$0] != 1 }).sorted() {
      return Tensor(type, source: source)
    }
    // Elements under eight bits are unpacked to be moved.
    if dtype.bitWidth ?? 8 < 8 { return mapped(to: type) { $0.permutedBytes(permutation) } }
    // Twice permuted is permuted once.
    if let inner = source as? PermutedSource, inner.shape == old {
      let base = Tensor(TensorType(dtype, Shape(inner.baseShape)), source: inner.base)
      return Tensor(type, source: base.transposed(permutation.map { inner.permutation[$0] }).source)
    }
    return Tensor(
      type, source: PermutedSource(source, extents: old, permutation: permutation, stride: dtype.arrayStride ?? 1))
  }

  /// The array that `transform` makes of this tensor, computed when the bytes are asked for.
  /// `transform` must return just `type`.
  public func mapped(to type: TensorType, _ transform: @escaping @Sendable (NDArray) throws -> NDArray) -> Tensor {
    let original = self
    return Tensor(type, source: ComputedSource(type) { try transform(try original.array()) })
  }

  /// A tensor computed when its bytes are asked for.
  public init(computing type: TensorType, _ compute: @escaping @Sendable () throws -> NDArray) {
    self.init(type, source: ComputedSource(type, compute))
  }
}

extension NDArray {
  /// The elements of an array of one byte each, its axes permuted.
  fileprivate func permutedBytes(_ permutation: [Int]) -> NDArray {
    let result = NDArray(uninitialized: dtype, permutation.map { shape[$0] })
    var steps = [Int](repeating: 1, count: rank)
    for axis in shape.indices.dropLast().reversed() { steps[axis] = steps[axis + 1] * shape[axis + 1] }
    let moves = permutation.map { steps[$0] }
    withBytes { source in
      result.withMutableBytes { target in
        var index = [Int](repeating: 0, count: rank), from = 0
        for place in 0..<target.count {
          target[place] = source[from]
          var axis = rank - 1
          while axis >= 0 {
            index[axis] += 1
            from += moves[axis]
            if index[axis] < result.shape[axis] { break }
            from -= moves[axis] * result.shape[axis]
            index[axis] = 0
            axis -= 1
          }
        }
      }
    }
    return result
  }
}

/// Bytes of an array that a closure makes on demand and that are dropped after a full walk.
final class ComputedSource: ByteSource {
  let type: TensorType
  let compute: @Sendable () throws -> NDArray
  private let cache = Cache()
  init(_ type: TensorType, _ compute: @escaping @Sendable () throws -> NDArray) {
    self.type = type
    self.compute = compute
  }
  var byteCount: Int { type.dtype.byteCount(of: type.shape.elementCount ?? 0) ?? 0 }
  func withBytes(in range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
    try check(range)
    let source = try cache.get { ArraySource(try compute()) }
    try source.withBytes(in: range, body)
  }
  func release(_ range: Range<Int>) { if range.upperBound == byteCount { cache.clear() } }
}
