import ModelSupport

extension Tensor {
  /// The same elements under another shape; no bytes move.
  public func reshaped(_ extents: [Int]) -> Tensor {
    Tensor(TensorType(dtype, Shape(extents), quantization: type.quantization), source: source)
  }

  /// The tensor with its axes permuted, lazily: result axis `i` is axis `permutation[i]` of this one.
  /// - Precondition: `permutation` permutes the axes, and elements are whole bytes.
  public func transposed(_ permutation: [Int]) -> Tensor {
    let old = extents
    guard permutation != Array(0..<old.count) else { return self }
    let extents = permutation.map { old[$0] }
    // Axes of extent 1 may move without any byte moving.
    if permutation.filter({ old[$0] != 1 }) == permutation.filter({ old[$0] != 1 }).sorted() {
      return reshaped(extents)
    }
    var quantization = type.quantization
    if let axis = quantization?.axis { quantization?.axis = permutation.firstIndex(of: axis) }
    return Tensor(
      TensorType(dtype, Shape(extents), quantization: quantization),
      source: PermutedSource(source, extents: old, permutation: permutation, stride: dtype.arrayStride ?? 1))
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

/// A permuted view of a dense tensor. Each request gathers just the elements it covers.
final class PermutedSource: ByteSource {
  let base: any ByteSource
  let stride: Int
  /// Extents of the result, and how far one step along each moves in the base, in elements.
  let extents: [Int], steps: [Int]

  init(_ base: any ByteSource, extents old: [Int], permutation: [Int], stride: Int) {
    self.base = base
    self.stride = stride
    var strides = [Int](repeating: 1, count: old.count)
    for i in stride_indices(old.count) { strides[i] = strides[i + 1] * old[i + 1] }
    extents = permutation.map { old[$0] }
    steps = permutation.map { strides[$0] }
  }

  var byteCount: Int { base.byteCount }

  func withBytes(in range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
    try check(range)
    let first = range.lowerBound / stride, last = (range.upperBound + stride - 1) / stride
    var out = [UInt8](repeating: 0, count: (last - first) * stride)
    try base.withBytes(in: 0..<base.byteCount) { source in
      out.withUnsafeMutableBytes { destination in
        gather(source, elements: first..<last, into: destination)
      }
    }
    let skip = range.lowerBound - first * stride
    try out.withUnsafeBytes { try body(UnsafeRawBufferPointer(rebasing: $0[skip..<(skip + range.count)])) }
  }

  func release(_ range: Range<Int>) {
    // Which base bytes a range touched depends on the permutation; the end of the walk drops all.
    if range.upperBound == byteCount { base.release(0..<base.byteCount) }
  }

  private func gather(_ source: UnsafeRawBufferPointer, elements: Range<Int>, into out: UnsafeMutableRawBufferPointer) {
    guard let from = source.baseAddress, let to = out.baseAddress, !elements.isEmpty else { return }
    let rank = extents.count
    // Position of the first element, then an odometer.
    var index = [Int](repeating: 0, count: rank)
    var rest = elements.lowerBound, position = 0
    for axis in (0..<rank).reversed() {
      index[axis] = rest % extents[axis]
      rest /= extents[axis]
      position += index[axis] * steps[axis]
    }
    let inner = rank - 1, innerExtent = extents[inner], innerStep = steps[inner]
    var written = 0, total = elements.count
    while total > 0 {
      let run = min(total, innerExtent - index[inner])
      switch stride {
      case 4:
        let s = from.assumingMemoryBound(to: UInt32.self), d = to.assumingMemoryBound(to: UInt32.self)
        for i in 0..<run { d[written + i] = s[position + i * innerStep] }
      case 2:
        let s = from.assumingMemoryBound(to: UInt16.self), d = to.assumingMemoryBound(to: UInt16.self)
        for i in 0..<run { d[written + i] = s[position + i * innerStep] }
      case 1:
        let s = from.assumingMemoryBound(to: UInt8.self), d = to.assumingMemoryBound(to: UInt8.self)
        for i in 0..<run { d[written + i] = s[position + i * innerStep] }
      default:
        for i in 0..<run {
          (to + (written + i) * stride).copyMemory(from: from + (position + i * innerStep) * stride, byteCount: stride)
        }
      }
      written += run
      total -= run
      position -= index[inner] * innerStep
      index[inner] = 0
      var axis = inner - 1
      while axis >= 0 {
        index[axis] += 1
        position += steps[axis]
        if index[axis] < extents[axis] { break }
        position -= extents[axis] * steps[axis]
        index[axis] = 0
        axis -= 1
      }
    }
  }
}

private func stride_indices(_ rank: Int) -> [Int] { rank < 2 ? [] : Array((0..<(rank - 1)).reversed()) }

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
