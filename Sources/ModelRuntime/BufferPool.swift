import ModelGraph
import ModelTensor
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Keeps the memory of results that are no longer needed and hands it out again: after the first run of
/// a model nothing big is allocated.
///
/// Sizes are rounded up to a quarter of a power of two, so that buffers of similar results serve each other. The
/// buffer given back last is handed out first: it is the likeliest to be in the cache.
package final class BufferPool: Sendable {
  private struct State {
    /// Addresses by size.
    var free: [Int: [UInt]] = [:]
    var freeBytes = 0
    var liveBytes = 0
    var mostBytes = 0
    var limit = 0
  }
  /// What outlives the pool while a result does.
  private final class Shelf: Sendable {
    let state = Mutex(State())
    deinit { state.withLock { BufferPool.purge(&$0) } }
    func recycle(_ address: UInt, _ size: Int) {
      state.withLock {
        $0.liveBytes -= size
        $0.freeBytes += size
        $0.free[size, default: []].append(address)
      }
    }
  }
  private let shelf: Shelf
  /// How results give their memory back: one closure for all of them.
  private let recycle: @Sendable (UnsafeMutableRawPointer, Int) -> Void

  package init(limit: Int) {
    let shelf = Shelf()
    self.shelf = shelf
    recycle = { pointer, bytes in shelf.recycle(UInt(bitPattern: pointer), Self.rounded(bytes)) }
    shelf.state.withLock { $0.limit = limit }
  }

  /// The most bytes that results may hold at one time.
  var limit: Int {
    get { shelf.state.withLock { $0.limit } }
    set { shelf.state.withLock { $0.limit = newValue } }
  }

  /// Bytes that results hold at the moment.
  var liveBytes: Int { shelf.state.withLock { $0.liveBytes } }
  /// The most bytes that were taken from the system at one time.
  package var mostBytes: Int { shelf.state.withLock { $0.mostBytes } }
  /// Bytes kept for later.
  var freeBytes: Int { shelf.state.withLock { $0.freeBytes } }

  /// An uninitialised array.
  /// - Throws: `ExecutionError.limitExceeded` for sizes that can't be, `.outOfMemory` above the limit.
  package func allocate(_ dtype: DType, _ shape: [Int]) throws -> NDArray {
    guard let stride = dtype.arrayStride, let count = checkedProduct(shape), count <= (1 << 46) / stride else {
      return try ExecutionContext.allocateChecked(dtype, shape)
    }
    let bytes = count * stride
    // Little ones are not worth a lock.
    if bytes <= 2048 { return NDArray(uninitialized: dtype, shape) }
    let size = Self.rounded(bytes)
    let kept: UInt? = try shelf.state.withLock { state in
      guard state.liveBytes + size <= state.limit else {
        throw ExecutionError(
          .outOfMemory,
          "a result of type \(TensorType(dtype, Shape(shape))) takes \(bytes) bytes; \(state.liveBytes) of at most \(state.limit) are in use"
        )
      }
      state.liveBytes += size
      if let address = state.free[size]?.popLast() {
        state.freeBytes -= size
        return address
      }
      // Sizes that are not asked for any more must not pile up.
      if state.liveBytes + state.freeBytes > state.limit { Self.purge(&state) }
      state.mostBytes = max(state.mostBytes, state.liveBytes + state.freeBytes)
      return nil
    }
    guard let pointer = kept.flatMap(UnsafeMutableRawPointer.init(bitPattern:)) ?? Self.fresh(size) else {
      shelf.state.withLock { $0.liveBytes -= size }
      throw ExecutionError(.outOfMemory, "the system has no \(bytes) bytes for a result of type \(TensorType(dtype, Shape(shape)))")
    }
    return NDArray(uninitialized: dtype, shape, storage: ArrayStorage(pointer: pointer, byteCount: bytes, recycle: recycle))
  }

  private static func purge(_ state: inout State) {
    for list in state.free.values { for address in list { free(UnsafeMutableRawPointer(bitPattern: address)) } }
    state.free.removeAll()
    state.freeBytes = 0
  }

  private static func fresh(_ size: Int) -> UnsafeMutableRawPointer? {
    var raw: UnsafeMutableRawPointer?
    return posix_memalign(&raw, 64, size) == 0 ? raw : nil
  }

  /// The next multiple of a quarter of the power of two below.
  static func rounded(_ bytes: Int) -> Int {
    let power = 1 << (Int.bitWidth - 1 - bytes.leadingZeroBitCount)
    let step = max(64, power / 4)
    return (bytes + step - 1) / step * step
  }

  /// The limit for a model whose weights and inputs take `bytes`: 2 GiB, or 64 times as much as they take where that is
  /// more, but never above nine tenths of the machine's memory. Real networks stay far below it; a small file that asks for
  /// terabytes does not get them.
  static func defaultLimit(for bytes: Int) -> Int {
    let (wanted, overflow) = bytes.multipliedReportingOverflow(by: 64)
    let pages = sysconf(Int32(_SC_PHYS_PAGES)), page = sysconf(Int32(_SC_PAGESIZE))
    let machine = pages > 0 && page > 0 ? pages / 10 * 9 * page : 1 << 40
    return min(machine, overflow ? machine : max(1 << 31, wanted))
  }
}
