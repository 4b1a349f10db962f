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
/// Sizes are rounded up to a quarter of a power of two, so that buffers of similar results serve each other; a larger one that waits is taken before
/// memory is asked for. The buffer given back last is handed out first: it is the likeliest to be in the cache. What the executor lets go of is kept
/// with the object that holds it; of what goes elsewhere, the memory alone.
package final class BufferPool: Sendable {
  private struct State {
    /// By class of size.
    var storages = [[ArrayStorage]](repeating: [], count: SizeClass.count)
    var addresses = [[UInt]](repeating: [], count: SizeClass.count)
    var freeBytes = 0
    var liveBytes = 0
    var mostBytes = 0
    var limit = 0

    /// Something free of this class, or of one a little above.
    mutating func take(_ place: Int) -> Kept? {
      for place in place...min(place + SizeClass.reach, SizeClass.count - 1) {
        if let storage = storages[place].popLast() { return .storage(storage) }
        if let address = addresses[place].popLast() { return .address(address, SizeClass.size(place)) }
      }
      return nil
    }
  }
  private enum Kept {
    case storage(ArrayStorage)
    case address(UInt, Int)
  }
  /// What outlives the pool while a result does.
  private final class Shelf: ArrayStorageHome {
    let state = Mutex(State())
    deinit { freeAddresses() }

    func takeBack(_ pointer: UnsafeMutableRawPointer, byteCount: Int) {
      state.withLock {
        $0.liveBytes -= byteCount
        $0.freeBytes += byteCount
        $0.addresses[SizeClass(byteCount).place].append(UInt(bitPattern: pointer))
      }
    }
    func keep(_ storage: ArrayStorage) {
      state.withLock {
        $0.liveBytes -= storage.byteCount
        $0.freeBytes += storage.byteCount
        $0.storages[SizeClass(storage.byteCount).place].append(storage)
      }
    }
    /// Gives everything free back to the system.
    func purge() {
      // Outside of the lock: they come to `takeBack`.
      var storages: [[ArrayStorage]] = state.withLock { state in
        for list in state.storages {
          for storage in list {
            state.freeBytes -= storage.byteCount
            state.liveBytes += storage.byteCount
          }
        }
        defer { state.storages = [[ArrayStorage]](repeating: [], count: SizeClass.count) }
        return state.storages
      }
      storages.removeAll()
      freeAddresses()
    }
    private func freeAddresses() {
      state.withLock { state in
        for place in state.addresses.indices {
          for address in state.addresses[place] { free(UnsafeMutableRawPointer(bitPattern: address)) }
          state.addresses[place] = []
        }
        state.freeBytes = state.storages.joined().reduce(0) { $0 + $1.byteCount }
      }
    }
  }
  private let shelf: Shelf

  package init(limit: Int) {
    shelf = Shelf()
    shelf.state.withLock { $0.limit = limit }
  }
  deinit { shelf.purge() }

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

  /// Throws what `allocate` would, and takes nothing.
  func check(_ dtype: DType, _ shape: [Int]) throws {
    guard let stride = dtype.arrayStride, let count = checkedProduct(shape), count <= (1 << 46) / stride else {
      _ = try ExecutionContext.allocateChecked(dtype, shape)
      return
    }
    let bytes = count * stride, size = SizeClass(bytes).size
    try shelf.state.withLock { state in
      guard state.liveBytes + size <= state.limit else { throw Self.full(dtype, shape, bytes, state.liveBytes, state.limit) }
    }
  }
  private static func full(_ dtype: DType, _ shape: [Int], _ bytes: Int, _ live: Int, _ limit: Int) -> ExecutionError {
    ExecutionError(
      .outOfMemory, "a result of type \(TensorType(dtype, Shape(shape))) takes \(bytes) bytes; \(live) of at most \(limit) are in use")
  }

  /// An uninitialised array.
  /// - Throws: `ExecutionError.limitExceeded` for sizes that can't be, `.outOfMemory` above the limit.
  package func allocate(_ dtype: DType, _ shape: [Int]) throws -> NDArray {
    guard let stride = dtype.arrayStride, let count = checkedProduct(shape), count <= (1 << 46) / stride else {
      return try ExecutionContext.allocateChecked(dtype, shape)
    }
    let bytes = count * stride, wanted = SizeClass(bytes)
    let (kept, isFull): (Kept?, Bool) = try shelf.state.withLock { state in
      guard state.liveBytes + wanted.size <= state.limit else {
        throw Self.full(dtype, shape, bytes, state.liveBytes, state.limit)
      }
      if let kept = state.take(wanted.place) {
        let size =
          switch kept {
          case .storage(let storage): storage.byteCount
          case .address(_, let size): size
          }
        state.liveBytes += size
        state.freeBytes -= size
        return (kept, false)
      }
      state.liveBytes += wanted.size
      // Sizes that are not asked for any more must not pile up.
      let isFull = state.liveBytes + state.freeBytes > state.limit
      state.mostBytes = max(state.mostBytes, state.liveBytes + (isFull ? 0 : state.freeBytes))
      return (nil, isFull)
    }
    switch kept {
    case .storage(let storage): return NDArray(uninitialized: dtype, shape, storage: storage)
    case .address(let address, let size):
      guard let pointer = UnsafeMutableRawPointer(bitPattern: address) else { break }
      return NDArray(uninitialized: dtype, shape, storage: ArrayStorage(pointer: pointer, byteCount: size, home: shelf))
    case nil: break
    }
    if isFull { shelf.purge() }
    guard let pointer = Self.fresh(wanted.size) else {
      shelf.state.withLock { $0.liveBytes -= wanted.size }
      throw ExecutionError(.outOfMemory, "the system has no \(bytes) bytes for a result of type \(TensorType(dtype, Shape(shape)))")
    }
    return NDArray(uninitialized: dtype, shape, storage: ArrayStorage(pointer: pointer, byteCount: wanted.size, home: shelf))
  }

  /// Lets an array go: what nothing else holds waits here for the next result.
  package func takeBack(_ array: inout NDArray?) {
    if let storage = array?.storageToReuse(by: shelf) { shelf.keep(storage) }
    array = nil
  }

  func owns(_ array: NDArray) -> Bool { array.isMemory(of: shelf) }

  private static func fresh(_ size: Int) -> UnsafeMutableRawPointer? {
    var raw: UnsafeMutableRawPointer?
    return posix_memalign(&raw, 64, size) == 0 ? raw : nil
  }

  /// The limit for a model of these weights and inputs, in bytes: 768 MiB, or 64 times the weights and 256 times the inputs where that is
  /// more, but never above nine tenths of the machine's memory.
  ///
  /// Real networks stay far below: the first feature maps of a picture in bytes take 128 times what it takes with 32 channels, and a batch of
  /// them holds two or three. A small file that doubles its values forty times keeps the whole process below 1 GiB.
  static func defaultLimit(weights: Int, inputs: Int) -> Int {
    let pages = sysconf(Int32(_SC_PHYS_PAGES)), page = sysconf(Int32(_SC_PAGESIZE))
    let machine = pages > 0 && page > 0 ? pages / 10 * 9 * page : 1 << 40
    let wanted = Int(clamping: weights.multipliedFullWidth(by: 64)).saturatingAdd(Int(clamping: inputs.multipliedFullWidth(by: 256)))
    return min(machine, max(768 << 20, wanted))
  }
}

extension Int {
  fileprivate init(clamping product: (high: Int, low: Magnitude)) {
    self = product.high == 0 ? Int(clamping: product.low) : product.high < 0 ? 0 : .max
  }
}
