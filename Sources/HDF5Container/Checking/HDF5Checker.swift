import ModelSupport
import Synchronization

/// Checks the structures of a file before libhdf5 follows them.
///
/// libhdf5 1.10 trusts much of what it reads: counts in old object headers, heaps and trees have no checksums,
/// and a wrong one makes it read or write outside its memory or go round in circles. So each object is checked
/// when it is first opened: its header and every message in it, the tables of a group, the index of a chunked
/// dataset, and the heaps that hold strings of any length. What has checksums (headers of version 2, fractal
/// heaps) is left to the library as far as the checksum covers it; the messages inside are checked all the same.
///
/// Refused although the format allows them, because nobody writes them for models: addresses that are not of
/// eight bytes, shared messages, layouts before version 3, times, and filters other than those that are read.
final class HDF5Checker: Sendable {
  let source: any ByteSource
  /// Where the file begins behind its user block; addresses count from here.
  let base: UInt64
  /// The root group's header.
  let root: UInt64
  /// How many entries the nodes of groups and of chunk indices can have.
  let leafK: Int, groupK: Int, chunkK: Int
  private let state = Mutex(State())

  private struct State {
    var checked: Set<UInt64> = []
    /// What was wrong with what was found damaged: it stays so, whoever asks for it again.
    var failures: [UInt64: any Error] = [:]
    var heaps: [UInt64: HeapObjects] = [:]
    var bytesRead = 0
  }
  /// The sizes of a global heap's objects by index.
  typealias HeapObjects = [Int: UInt64]

  static let undefined = UInt64.max
  /// More bytes of structure than this are in no sound file.
  static let budget = 1 << 30

  /// The tables of the root group, where the superblock notes them too.
  private let rootTables: (tree: UInt64, heap: UInt64)?

  /// Reads the superblock.
  init(_ source: any ByteSource, base: Int) throws {
    self.source = source
    self.base = UInt64(base)
    let size = min(128, source.byteCount - base)
    var head: [UInt8] = []
    try source.withBytes(in: base..<(base + size)) { head = [UInt8]($0) }
    let block = CheckedBlock(bytes: head[...], address: UInt64(base))
    let version = try block.u8(8)
    switch version {
    case 0, 1:
      guard try block.u8(13) == 8, try block.u8(14) == 8 else { throw block.failure("addresses are not of eight bytes") }
      leafK = try block.u16(16)
      groupK = try block.u16(18)
      chunkK = version == 1 ? try block.u16(24) : 32
      let start = version == 1 ? 28 : 24
      guard (try block.u64(start)) == UInt64(base) else { throw block.failure("the base address is not where the file begins") }
      root = try block.u64(start + 40)
      rootTables = try block.u32(start + 48) == 1 ? (try block.u64(start + 56), try block.u64(start + 64)) : nil
      try Self.checkEnd(try block.u64(start + 16), of: source, block)
      guard try block.u64(start + 24) == Self.undefined else { throw block.failure("driver information") }
    case 2, 3:
      guard try block.u8(9) == 8, try block.u8(10) == 8 else { throw block.failure("addresses are not of eight bytes") }
      (leafK, groupK, chunkK) = (4, 16, 32)
      guard (try block.u64(12)) == UInt64(base) else { throw block.failure("the base address is not where the file begins") }
      try Self.checkEnd(try block.u64(28), of: source, block)
      root = try block.u64(36)
      rootTables = nil
    default: throw block.failure("a superblock of version \(version)")
    }
    guard leafK > 0, groupK > 0, chunkK > 0 else { throw block.failure("nodes without entries") }
  }

  private static func checkEnd(_ end: UInt64, of source: any ByteSource, _ block: CheckedBlock) throws {
    guard end <= UInt64(source.byteCount) else {
      throw block.failure("expected \(end) bytes, the file has \(source.byteCount)", .truncated)
    }
  }

  /// The bytes at an address.
  func block(_ address: UInt64, _ size: Int) throws -> CheckedBlock {
    let (start, overflow) = address.addingReportingOverflow(base)
    guard !overflow, size >= 0, let offset = Int(exactly: start), offset <= source.byteCount,
      size <= source.byteCount - offset
    else {
      throw FormatError(
        .truncated, "expected \(size) bytes at \(address), the file has \(source.byteCount)",
        at: SourceLocation(offset: Int(exactly: address)))
    }
    try state.withLock { state in
      state.bytesRead += size
      guard state.bytesRead <= Self.budget else { throw FormatError(.limitExceeded, "more structure than in any sound file") }
    }
    var bytes: [UInt8] = []
    try source.withBytes(in: offset..<(offset + size)) { bytes = [UInt8]($0) }
    return CheckedBlock(bytes: bytes[...], address: start)
  }

  /// Whether something at `address` is checked for the first time.
  func enter(_ address: UInt64) -> Bool { state.withLock { $0.checked.insert(address).inserted } }

  /// Runs a check of what stands at `address` once, and fails each time as it failed then.
  func once(_ address: UInt64, _ check: () throws -> Void) throws {
    guard enter(address) else {
      if let failure = state.withLock({ $0.failures[address] }) { throw failure }
      return
    }
    do { try check() } catch {
      state.withLock { $0.failures[address] = error }
      throw error
    }
  }

  func heapObjects(_ address: UInt64, _ make: () throws -> HeapObjects) throws -> HeapObjects {
    if let known = state.withLock({ $0.heaps[address] }) { return known }
    let made = try make()
    state.withLock { $0.heaps[address] = made }
    return made
  }

  /// Checks the root group.
  func checkRoot() throws {
    if let rootTables { try symbolTable(tree: rootTables.tree, heap: rootTables.heap) }
    try check(object: root)
  }

  /// Checks the group or dataset whose header stands at `address`.
  func check(object address: UInt64) throws {
    try once(address) {
      var object = ObjectFacts()
      for message in try messages(at: address) { try check(message, of: &object) }
      try finish(object)
    }
  }
}

/// What the messages of a header say together.
struct ObjectFacts {
  var extents: [UInt64]?
  var elementType: CheckedDatatype?
  /// The index of chunks, and the extents of one with the element's size last.
  var chunks: (index: UInt64, extents: [Int])?
  var contiguous: (address: UInt64, size: UInt64)?
  var compactSize: Int?
  var isFiltered = false
  var shuffleSize: Int?
  var fillSize: Int?
}
