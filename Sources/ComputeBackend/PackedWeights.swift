import CKernels
import ModelGraph

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
final class PackedBuffer {
  let pointer: UnsafeMutablePointer<Float>
  init?(count: Int) {
    var raw: UnsafeMutableRawPointer?
    guard posix_memalign(&raw, 64, max(64, count * 4)) == 0, let raw else { return nil }
    pointer = raw.bindMemory(to: Float.self, capacity: max(16, count))
  }
  deinit { free(pointer) }
}
