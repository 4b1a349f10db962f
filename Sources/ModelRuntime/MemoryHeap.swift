import ModelTensor

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// One range of addresses of which pieces are handed out: the first gap that is large enough is taken, and gaps that meet become one.
///
/// Only the names of addresses are taken from the system at once; a page is memory from when it is first written.
struct MemoryHeap {
  /// A piece that is or was handed out.
  struct Piece: Hashable {
    var offset: Int
    var size: Int
  }
  private var base: UInt = 0
  private var capacity = 0
  private var isTried = false
  /// Everything handed out lies below.
  private(set) var top = 0
  private(set) var liveBytes = 0
  /// What is free below the top, in order.
  private var gaps: [Range<Int>] = []

  /// Whether the start of some memory lies here.
  func contains(_ address: UInt) -> Bool { address >= base && address - base < UInt(capacity) }
  func piece(_ address: UInt, _ size: Int) -> Piece { Piece(offset: Int(address - base), size: size) }
  func address(_ piece: Piece) -> UInt { base + UInt(piece.offset) }

  /// - Parameter size: a multiple of 64.
  /// - Returns: `nil` where the system gives no addresses, or no more of them.
  mutating func take(_ size: Int) -> Piece? {
    if !isTried { reserve() }
    guard capacity > 0, size > 0 else { return nil }
    if let index = gaps.firstIndex(where: { $0.count >= size }) {
      let gap = gaps[index]
      if gap.count == size { gaps.remove(at: index) } else { gaps[index] = (gap.lowerBound + size)..<gap.upperBound }
      liveBytes += size
      return Piece(offset: gap.lowerBound, size: size)
    }
    let start = gaps.last.map { $0.upperBound == top ? $0.lowerBound : top } ?? top
    guard size <= capacity - start else { return nil }
    if start < top { gaps.removeLast() }
    top = start + size
    liveBytes += size
    return Piece(offset: start, size: size)
  }

  mutating func giveBack(_ piece: Piece) {
    liveBytes -= piece.size
    var range = piece.offset..<(piece.offset + piece.size)
    // The first gap behind it: mostly there are few.
    let index = gaps.firstIndex { $0.lowerBound > piece.offset } ?? gaps.count
    let meetsNext = index < gaps.count && gaps[index].lowerBound == range.upperBound
    if meetsNext { range = range.lowerBound..<gaps[index].upperBound }
    if index > 0, gaps[index - 1].upperBound == range.lowerBound {
      gaps[index - 1] = gaps[index - 1].lowerBound..<range.upperBound
      if meetsNext { gaps.remove(at: index) }
    } else if meetsNext {
      gaps[index] = range
    } else {
      gaps.insert(range, at: index)
    }
  }

  /// Gives the pages of gaps back to the system.
  mutating func purge() {
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    guard page > 0, capacity > 0 else { return }
    for gap in gaps {
      let start = (gap.lowerBound + page - 1) / page * page, end = gap.upperBound / page * page
      if start < end { madvise(UnsafeMutableRawPointer(bitPattern: base + UInt(start)), end - start, Int32(MADV_DONTNEED)) }
    }
  }

  /// At the end, when nothing is handed out any more.
  mutating func release() {
    if capacity > 0 { munmap(UnsafeMutableRawPointer(bitPattern: base), capacity) }
    self = MemoryHeap()
  }

  private mutating func reserve() {
    isTried = true
    let pages = sysconf(Int32(_SC_PHYS_PAGES)), page = sysconf(Int32(_SC_PAGESIZE))
    guard pages > 0, page > 0, pages < Int.max / page else { return }
    let size = pages * page
    let found = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | Int32(MAP_ANONYMOUS) | Int32(MAP_NORESERVE), -1, 0)
    guard let found, found != MAP_FAILED else { return }
    base = UInt(bitPattern: found)
    capacity = size
    gaps.reserveCapacity(64)
  }
}
