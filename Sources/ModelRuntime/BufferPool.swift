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
/// What a run lets go of before it ends is a piece of one heap, where what is free side by side serves larger results too. What lasts longer (the values of
/// variables, outputs, batches) would lie between such pieces for ever: it has memory of just its size, as has what is very small. A run that does what the
/// one before did finds everything at the same addresses, with the objects that held it.
package final class BufferPool: Sendable {
  private struct State {
    var heap = MemoryHeap()
    /// Objects for pieces of the heap that are free now; their memory is not theirs.
    var shells: [MemoryHeap.Piece: ArrayStorage] = [:]
    /// Of these, what is being thrown away.
    var dropped: [MemoryHeap.Piece: Int] = [:]
    /// By size, which of `lasting` is for it. Lists within a dictionary would allocate each time that they are changed.
    var places: [Int: Int] = [:]
    /// What is free outside of the heap, of one size each.
    var lasting: [(size: Int, free: [Kept])] = []
    var lastingFree = 0
    var lastingLive = 0
    var mostBytes = 0
    var limit = 0
    /// How many of the shelf's `lent` there are.
    var lentCount = 0

    var liveBytes: Int { heap.liveBytes + lastingLive }
    var freeBytes: Int { heap.top - heap.liveBytes + lastingFree }

    mutating func take(_ size: Int, lasts: Bool) -> Found {
      if !lasts, size >= BufferPool.smallest, let piece = heap.take(size) {
        if let storage = shells.removeValue(forKey: piece) { return .kept(.storage(storage)) }
        return .kept(.address(heap.address(piece)))
      }
      lastingLive += size
      guard let place = places[size], let kept = lasting[place].free.popLast() else { return .none }
      lastingFree -= size
      return .kept(kept)
    }
    /// What is outside of the heap is free again.
    mutating func putBack(_ kept: Kept, _ size: Int) {
      lastingLive -= size
      lastingFree += size
      if let place = places[size] { return lasting[place].free.append(kept) }
      places[size] = lasting.count
      lasting.append((size, [kept]))
    }
  }
  private enum Kept {
    case storage(ArrayStorage)
    case address(UInt)
  }
  private enum Found {
    case kept(Kept)
    /// To be asked of the system.
    case none
  }
  /// What outlives the pool while a result does.
  private final class Shelf: ArrayStorageHome {
    let state = Mutex(State())
    /// What a node was given, while it is evaluated: see `allocate`. No array, which would be copied for each. Guarded by the lock.
    private nonisolated(unsafe) let lent = UnsafeMutablePointer<Unmanaged<ArrayStorage>>.allocate(capacity: BufferPool.mostLent)
    deinit {
      while takeLent() != nil {}
      lent.deallocate()
      purge()
      state.withLock { $0.heap.release() }
    }

    func takeBack(_ pointer: UnsafeMutableRawPointer, byteCount: Int) {
      state.withLock { state in
        let address = UInt(bitPattern: pointer)
        if state.heap.contains(address) {
          let piece = state.heap.piece(address, byteCount)
          if let count = state.dropped[piece] {
            state.dropped[piece] = count > 1 ? count - 1 : nil
          } else {
            state.heap.giveBack(piece)
          }
        } else {
          state.putBack(.address(address), byteCount)
        }
      }
    }
    func keep(_ storage: ArrayStorage) {
      let crowd: [ArrayStorage] = state.withLock { state in
        let address = UInt(bitPattern: storage.pointer)
        guard state.heap.contains(address) else {
          state.putBack(.storage(storage), storage.byteCount)
          return []
        }
        let piece = state.heap.piece(address, storage.byteCount)
        state.heap.giveBack(piece)
        let old = state.shells.updateValue(storage, forKey: piece)
        if let old { state.dropped[piece, default: 0] += old === storage ? 0 : 1 }
        guard state.shells.count > 4096 else { return old.map { [$0] } ?? [] }
        // Runs that never do the same twice.
        for piece in state.shells.keys { state.dropped[piece, default: 0] += 1 }
        defer { state.shells = [:] }
        return Array(state.shells.values) + (old.map { [$0] } ?? [])
      }
      // Outside of the lock: they come to `takeBack`.
      _ = consume crowd
    }
    func lend(_ storage: ArrayStorage) {
      state.withLock { state in
        guard state.lentCount < BufferPool.mostLent else { return }
        lent[state.lentCount] = .passRetained(storage)
        state.lentCount += 1
      }
    }
    func takeLent() -> ArrayStorage? {
      state.withLock { state in
        guard state.lentCount > 0 else { return nil }
        state.lentCount -= 1
        return lent[state.lentCount].takeRetainedValue()
      }
    }
    /// Gives everything free back to the system.
    func purge() {
      let (shells, lists) = state.withLock { state in
        for piece in state.shells.keys { state.dropped[piece, default: 0] += 1 }
        defer {
          (state.shells, state.places, state.lasting) = ([:], [:], [])
          // Those with objects come to `takeBack` once more.
          state.lastingLive += state.lastingFree
          state.lastingFree = 0
        }
        state.heap.purge()
        return (Array(state.shells.values), state.lasting)
      }
      _ = consume shells
      var addresses: [(UInt, Int)] = []
      for (size, list) in lists {
        for case .address(let address) in list { addresses.append((address, size)) }
      }
      _ = consume lists
      // What their objects have left now.
      state.withLock { state in
        for (size, list) in state.lasting {
          for case .address(let address) in list { addresses.append((address, size)) }
          state.lastingLive += list.count * size
        }
        (state.places, state.lasting) = ([:], [])
        state.lastingFree = 0
        for (address, size) in addresses {
          free(UnsafeMutableRawPointer(bitPattern: address))
          state.lastingLive -= size
        }
      }
    }
  }
  /// So many results and scratch arrays of a node are looked after.
  private static let mostLent = 8
  /// What is smaller is not worth a gap.
  private static let smallest = 2048
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

  /// What an array of so many bytes takes.
  static func size(_ bytes: Int) -> Int { (max(64, bytes) + 63) / 64 * 64 }

  /// Throws what `allocate` would, and takes nothing.
  func check(_ dtype: DType, _ shape: [Int]) throws {
    guard let stride = dtype.arrayStride, let count = checkedProduct(shape), count <= (1 << 46) / stride else {
      _ = try ExecutionContext.allocateChecked(dtype, shape)
      return
    }
    let bytes = count * stride
    try shelf.state.withLock { state in
      guard state.liveBytes + Self.size(bytes) <= state.limit else { throw Self.full(dtype, shape, bytes, state.liveBytes, state.limit) }
    }
  }
  private static func full(_ dtype: DType, _ shape: [Int], _ bytes: Int, _ live: Int, _ limit: Int) -> ExecutionError {
    ExecutionError(
      .outOfMemory, "a result of type \(TensorType(dtype, Shape(shape))) takes \(bytes) bytes; \(live) of at most \(limit) are in use")
  }

  /// An uninitialised array.
  /// - Parameters:
  ///   - lasts: whether it stays when the run has ended.
  ///   - isLent: whether `settle` is called when the node that asked for it is done, which saves the object of what that node let go of.
  /// - Throws: `ExecutionError.limitExceeded` for sizes that can't be, `.outOfMemory` above the limit.
  package func allocate(_ dtype: DType, _ shape: [Int], lasts: Bool = true, isLent: Bool = false) throws -> NDArray {
    var array = try allocate(dtype, shape, lasts)
    guard isLent, let storage = array.storageToReuse(by: shelf) else { return array }
    shelf.lend(storage)
    return array
  }
  private func allocate(_ dtype: DType, _ shape: [Int], _ lasts: Bool) throws -> NDArray {
    guard let stride = dtype.arrayStride, let count = checkedProduct(shape), count <= (1 << 46) / stride else {
      return try ExecutionContext.allocateChecked(dtype, shape)
    }
    let bytes = count * stride, size = Self.size(bytes)
    let (found, isFull): (Found, Bool) = try shelf.state.withLock { state in
      guard state.liveBytes + size <= state.limit else { throw Self.full(dtype, shape, bytes, state.liveBytes, state.limit) }
      let top = state.heap.top, found = state.take(size, lasts: lasts)
      var isFresh = state.heap.top > top
      if case .none = found { isFresh = true }
      guard isFresh else { return (found, false) }
      // Sizes that are not asked for any more must not pile up.
      let isFull = state.liveBytes + state.freeBytes > state.limit || state.lastingFree > 2 * state.lastingLive + (16 << 20)
      state.mostBytes = max(state.mostBytes, state.liveBytes + (isFull ? 0 : state.freeBytes))
      return (found, isFull)
    }
    if isFull { shelf.purge() }
    switch found {
    case .kept(.storage(let storage)): return NDArray(uninitialized: dtype, shape, storage: storage)
    case .kept(.address(let address)):
      guard let pointer = UnsafeMutableRawPointer(bitPattern: address) else { break }
      return NDArray(uninitialized: dtype, shape, storage: ArrayStorage(pointer: pointer, byteCount: size, home: shelf))
    case .none: break
    }
    guard let pointer = Self.fresh(size) else {
      shelf.state.withLock { $0.lastingLive -= size }
      throw ExecutionError(.outOfMemory, "the system has no \(bytes) bytes for a result of type \(TensorType(dtype, Shape(shape)))")
    }
    return NDArray(uninitialized: dtype, shape, storage: ArrayStorage(pointer: pointer, byteCount: size, home: shelf))
  }

  /// Lets an array go: what nothing else holds waits here for the next result.
  package func takeBack(_ array: inout NDArray?) {
    if let storage = array?.storageToReuse(by: shelf) { shelf.keep(storage) }
    array = nil
  }

  /// A node is done: of what it was given, what nobody holds waits here again.
  func settle() {
    // Outside of the lock: objects that go come to `takeBack`.
    while var storage = shelf.takeLent() {
      if isKnownUniquelyReferenced(&storage) { shelf.keep(storage) }
    }
  }

  /// Whether nothing but this array holds its memory, which is of this pool: it may be filled anew.
  package func isSole(_ array: inout NDArray) -> Bool { array.storageToReuse(by: shelf) != nil }

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
