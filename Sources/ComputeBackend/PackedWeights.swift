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
final class PackedWeights {
  struct Key: Hashable {
    var address: UnsafeRawPointer
    var arrangement: [Int]
  }
  private var entries: [Key: PackedBuffer] = [:]

  static func of(_ cache: NodeCache) -> PackedWeights {
    if let known = cache.content as? PackedWeights { return known }
    let made = PackedWeights()
    cache.content = made
    return made
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
/// What is packed anew in each run (weights that training changes) finds the memory of the run before.
final class PackedBuffer {
  let pointer: UnsafeMutablePointer<Float>
  private let size: Int
  init?(count: Int) {
    size = SpareBuffers.rounded(max(64, count * 4))
    guard let raw = SpareBuffers.take(size) else { return nil }
    pointer = raw.bindMemory(to: Float.self, capacity: size / 4)
  }
  deinit { SpareBuffers.give(pointer, size) }
}

/// Buffers that nobody uses at the moment, by size: a few megabytes of them at most.
private enum SpareBuffers {
  private struct State {
    /// By size: see `place`.
    var free = [[UInt]](repeating: [], count: 8 * Int.bitWidth)
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
  static func take(_ size: Int) -> UnsafeMutableRawPointer? {
    let kept: UInt? = state.withLock { state in
      guard let address = state.free[place(size)].popLast() else { return nil }
      state.bytes -= size
      return address
    }
    if let kept { return UnsafeMutableRawPointer(bitPattern: kept) }
    var raw: UnsafeMutableRawPointer?
    return posix_memalign(&raw, 64, size) == 0 ? raw : nil
  }
  static func give(_ pointer: UnsafeMutableRawPointer, _ size: Int) {
    let address = UInt(bitPattern: pointer)
    let isKept = state.withLock { state in
      guard state.bytes + size <= limit else { return false }
      state.bytes += size
      state.free[place(size)].append(address)
      return true
    }
    if !isKept { free(pointer) }
  }
}
