import CKernels
import ModelGraph
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Weights rearranged for the kernels, kept from one run of a node to the next.
///
/// A node may use several matrices; each is known by where it stands and how it was arranged. That is sound because a
/// node only has a cache when its weights are constants, which stay where they are.
final class PackedWeights: RenewableContent {
  struct Key: Hashable {
    var address: UnsafeRawPointer
    var arrangement: Arrangement
  }
  /// Which kernel the weights are for, and their extents.
  struct Arrangement: Hashable {
    private var kind: Int
    private var extents: SIMD8<Int>
    init(_ kind: Int, _ a: Int, _ b: Int, _ c: Int = 0, _ d: Int = 0, _ e: Int = 0) {
      self.kind = kind
      extents = SIMD8(a, b, c, d, e, 0, 0, 0)
    }
  }
  private var entries: [Key: PackedBuffer] = [:]
  deinit { renew() }

  static func of(_ cache: NodeCache) -> PackedWeights {
    if let known = cache.content as? PackedWeights { return known }
    let made = PackedWeights()
    cache.content = made
    return made
  }

  func renew() {
    for buffer in entries.values { PackedBuffer.recycle(buffer) }
    entries.removeAll(keepingCapacity: true)
  }

  func buffer(_ key: Key, _ make: () -> PackedBuffer?) -> PackedBuffer? {
    if let known = entries[key] { return known }
    let made = make()
    entries[key] = made
    return made
  }
}

/// Aligned memory for packed floats.
///
/// What is packed anew in each run (weights that training changes) finds the buffer of the run before: whoever is done with one gives it back with
/// `recycle`.
final class PackedBuffer: @unchecked Sendable {
  let pointer: UnsafeMutablePointer<Float>
  fileprivate let size: Int

  private init?(size: Int) {
    self.size = size
    var raw: UnsafeMutableRawPointer?
    guard posix_memalign(&raw, 64, size) == 0, let raw else { return nil }
    pointer = raw.bindMemory(to: Float.self, capacity: size / 4)
  }
  deinit { free(pointer) }

  /// Of at least `count` floats, whatever stood there before; `nil` when there is no memory.
  static func take(_ count: Int) -> PackedBuffer? {
    let size = SpareBuffers.rounded(max(64, count * 4))
    return SpareBuffers.take(size) ?? PackedBuffer(size: size)
  }
  /// Keeps a buffer that nobody looks at any more for the next one who takes one of its size.
  static func recycle(_ buffer: PackedBuffer?) { if let buffer { SpareBuffers.give(buffer) } }
}

/// Buffers that nobody uses at the moment, by size: a few megabytes of them at most.
private enum SpareBuffers {
  private struct State {
    /// By size: see `place`.
    var free = [[PackedBuffer]](repeating: [], count: 8 * Int.bitWidth)
    var bytes = 0
  }
  private static let state = Mutex(State())
  private static let limit = 32 << 20

  /// The next multiple of an eighth of the power of two below: similar sizes serve each other.
  static func rounded(_ bytes: Int) -> Int {
    let step = max(64, (1 << (Int.bitWidth - 1 - bytes.leadingZeroBitCount)) / 8)
    return (bytes + step - 1) / step * step
  }
  /// The place of a rounded size in the list.
  private static func place(_ size: Int) -> Int {
    let power = Int.bitWidth - 1 - size.leadingZeroBitCount
    return 8 * power + (power >= 3 ? (size - (1 << power)) >> (power - 3) : 0)
  }
  static func take(_ size: Int) -> PackedBuffer? {
    state.withLock { state in
      guard let buffer = state.free[place(size)].popLast() else { return nil }
      state.bytes -= size
      return buffer
    }
  }
  static func give(_ buffer: PackedBuffer) {
    state.withLock { state in
      guard state.bytes + buffer.size <= limit else { return }
      state.bytes += buffer.size
      state.free[place(buffer.size)].append(buffer)
    }
  }
}
