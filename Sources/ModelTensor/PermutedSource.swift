import ModelSupport
import Synchronization

/// A permuted view of a dense tensor, gathered block by block.
///
/// Requests are served from one block of the result, at most `blockBytes` long, which stays until another is wanted or
/// the end has been released. To make a block, the base is walked once from front to back in spans of at most
/// `spanBytes`, each released behind (of a mapping; other bases are asked for each span): however large the tensor,
/// little of it is in memory at a time.
final class PermutedSource: ByteSource {
  static let blockBytes = 32 << 20
  static let spanBytes = 8 << 20

  let base: any ByteSource
  let stride: Int
  let baseShape: [Int]
  let permutation: [Int]
  /// Axes of the result that are worth telling apart: extents, and steps in the base, in elements.
  private let axes: [Axis]
  /// How many elements one step along each of `axes` is in the result.
  private let places: [Int]
  /// The axis along which blocks are cut, and how many of its indices make a block.
  private let cut: (axis: Int, count: Int)
  private let current = Mutex<Block?>(nil)

  private struct Axis {
    var extent: Int, step: Int
  }
  private final class Block: Sendable {
    let elements: Range<Int>
    let array: NDArray
    init(elements: Range<Int>, array: NDArray) {
      self.elements = elements
      self.array = array
    }
  }

  init(_ base: any ByteSource, extents old: [Int], permutation: [Int], stride: Int) {
    self.base = base
    self.stride = stride
    baseShape = old
    self.permutation = permutation
    var steps = [Int](repeating: 1, count: old.count)
    for i in old.indices.dropLast().reversed() { steps[i] = steps[i + 1] * old[i + 1] }
    var axes: [Axis] = []
    for axis in permutation where old[axis] != 1 {
      // Axes that stand behind each other on both sides are one.
      if let last = axes.last, last.step == steps[axis] * old[axis] {
        axes[axes.count - 1] = Axis(extent: last.extent * old[axis], step: steps[axis])
      } else {
        axes.append(Axis(extent: old[axis], step: steps[axis]))
      }
    }
    if axes.isEmpty { axes = [Axis(extent: 1, step: 1)] }
    var places = [Int](repeating: 1, count: axes.count)
    for i in axes.indices.dropLast().reversed() { places[i] = places[i + 1] * axes[i + 1].extent }
    self.axes = axes
    self.places = places
    let limit = max(1, Self.blockBytes / stride)
    let axis = places.firstIndex { $0 <= limit } ?? axes.count - 1
    // Without elements there is no place to count either.
    cut = (axis, max(1, min(axes[axis].extent, limit / max(1, places[axis]))))
  }

  /// The extents of the result.
  var shape: [Int] { permutation.map { baseShape[$0] } }
  var byteCount: Int { base.byteCount }

  func withBytes(in range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
    try check(range)
    guard !range.isEmpty else { return try body(UnsafeRawBufferPointer(start: nil, count: 0)) }
    if try within(range, body) { return }
    let joined = UnsafeMutableRawBufferPointer.allocate(byteCount: range.count, alignment: 64)
    defer { joined.deallocate() }
    var position = range.lowerBound
    while position < range.upperBound {
      position += try copy(from: position, into: UnsafeMutableRawBufferPointer(rebasing: joined[(position - range.lowerBound)...]))
    }
    try body(UnsafeRawBufferPointer(joined))
  }

  /// Calls `body` if one block holds all of `range`.
  private func within(_ range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> Void) throws -> Bool {
    let block = try block(holding: range.lowerBound / stride), start = block.elements.lowerBound * stride
    guard range.upperBound <= block.elements.upperBound * stride else { return false }
    try block.array.withBytes {
      try body(UnsafeRawBufferPointer(rebasing: $0[(range.lowerBound - start)..<(range.upperBound - start)]))
    }
    return true
  }

  /// Copies what one block holds from `position` on. No block is held while another is made.
  private func copy(from position: Int, into out: UnsafeMutableRawBufferPointer) throws -> Int {
    let block = try block(holding: position / stride)
    let start = position - block.elements.lowerBound * stride
    let count = min(out.count, block.elements.count * stride - start)
    block.array.withBytes { bytes in
      UnsafeMutableRawBufferPointer(rebasing: out[0..<count])
        .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[start..<(start + count)]))
    }
    return count
  }

  func release(_ range: Range<Int>) {
    guard range.upperBound == byteCount else { return }
    current.withLock { $0 = nil }
    base.release(0..<base.byteCount)
  }

  // MARK: Blocks

  private func block(holding element: Int) throws -> Block {
    if let held = current.withLock({ $0 }), held.elements.contains(element) { return held }
    // Indices of the axes up to the cut; a block takes all of the axes behind it.
    var index: [Int] = [], rest = element
    for axis in 0...cut.axis {
      index.append(rest / places[axis])
      rest %= places[axis]
    }
    index[cut.axis] = index[cut.axis] / cut.count * cut.count
    let count = min(cut.count, axes[cut.axis].extent - index[cut.axis])
    let start = zip(index, places).reduce(0) { $0 + $1.0 * $1.1 }
    let elements = start..<(start + count * places[cut.axis])
    let array = memory(elements.count * stride)
    try array.withMutableBytes { try gather(from: index, count: count, into: $0) }
    let block = Block(elements: elements, array: array)
    current.withLock { $0 = block }
    return block
  }

  /// The old block's memory when nobody reads it, else fresh memory that goes back to the system at the end.
  private func memory(_ count: Int) -> NDArray {
    var old = current.withLock { held -> Block? in
      defer { held = nil }
      return held
    }
    if isKnownUniquelyReferenced(&old), let old, old.array.count >= count {
      return NDArray(dtype: .uint8, shape: [count], storage: old.array.storage, offset: 0)
    }
    old = nil
    return NDArray(dtype: .uint8, shape: [count], storage: ArrayStorage(mapping: count), offset: 0)
  }

  /// Walks the base in the order it stands in, a span at a time.
  private func gather(from index: [Int], count: Int, into out: UnsafeMutableRawBufferPointer) throws {
    guard let to = out.baseAddress else { return }
    var loops: [TransposeLoop] = []
    for axis in cut.axis..<axes.count {
      loops.append(
        TransposeLoop(count: axis == cut.axis ? count : axes[axis].extent, from: axes[axis].step, to: places[axis]))
    }
    let origin = zip(index, axes).reduce(0) { $0 + $1.0 * $1.1.step }
    // The axis that moves furthest in the base is cut into spans.
    let widest = loops.indices.max { loops[$0].from < loops[$1].from } ?? 0
    let piece = max(1, min(loops[widest].count, Self.spanBytes / max(1, loops[widest].from * stride)))
    var done = 0
    while done < loops[widest].count {
      var part = loops
      part[widest].count = min(piece, loops[widest].count - done)
      let start = origin + done * loops[widest].from
      let last = start + part.reduce(0) { $0 + ($1.count - 1) * $1.from }
      let span = (start * stride)..<((last + 1) * stride)
      let target = to + done * loops[widest].to * stride
      try base.withBytes(in: span) { bytes in
        guard let from = bytes.baseAddress else { return }
        part.run(from, target, stride: stride)
      }
      if base.extent != nil { base.release(span) }
      done += piece
    }
  }
}
