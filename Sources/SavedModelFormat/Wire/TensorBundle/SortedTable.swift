import ModelSupport

/// A table of keys and values in blocks, as LevelDB lays it out: the index of a TensorBundle.
///
/// A block is entries that share the front of their keys with the entry before, then the places of the entries that share
/// nothing, then how many those are; behind it a byte for its compression and a masked CRC-32C. The last 48 bytes point to a
/// block that lists the others.
public struct SortedTable: Sendable {
  public typealias Entry = (key: [UInt8], value: [UInt8])

  static let footerSize = 48, trailerSize = 5
  static let magic: [UInt8] = [0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb]
  /// The most bytes all blocks together may take, decompressed.
  static let limit = 1 << 30

  /// All entries, in ascending order of their keys.
  public let entries: [Entry]

  /// - Throws: `FormatError` with the place; checksums are checked.
  public init(reading file: MappedFile) throws {
    do {
      guard file.count >= Self.footerSize else {
        throw FormatError(.truncated, "expected a footer of \(Self.footerSize) bytes, the file has \(file.count)")
      }
      let bytes = file.bytes, start = file.count - Self.footerSize
      let footer = UnsafeRawBufferPointer(rebasing: bytes[start...])
      guard footer.suffix(8).elementsEqual(Self.magic) else {
        throw FormatError(
          .invalidStructure, "expected the magic number of a sorted table, found other bytes",
          at: SourceLocation(offset: file.count - 8))
      }
      var cursor = ByteCursor(UnsafeRawBufferPointer(rebasing: footer.dropLast(8)))
      _ = try BlockHandle(&cursor)
      let index = try BlockHandle(&cursor)
      var budget = Self.limit, result: [Entry] = []
      let body = UnsafeRawBufferPointer(rebasing: bytes[..<start])
      for (_, value) in try Self.block(index, body, &budget) {
        let handle = try value.withUnsafeBytes { bytes in
          var cursor = ByteCursor(bytes)
          return try BlockHandle(&cursor)
        }
        let block = try Self.block(handle, body, &budget)
        if let last = result.last, let first = block.first, !last.key.lexicographicallyPrecedes(first.key) {
          throw FormatError(.invalidStructure, "keys are not in ascending order", at: SourceLocation(offset: handle.offset))
        }
        result += block
      }
      entries = result
    } catch let error as FormatError { throw error.inFile(file.path) }
  }

  private static func block(_ handle: BlockHandle, _ bytes: UnsafeRawBufferPointer, _ budget: inout Int) throws -> [Entry] {
    do {
      guard handle.offset <= bytes.count, handle.size <= bytes.count - handle.offset,
        trailerSize <= bytes.count - handle.offset - handle.size
      else { throw FormatError(.sizeMismatch, "a block of \(handle.size) bytes reaches beyond the table of \(bytes.count)") }
      let end = handle.offset + handle.size
      let content = UnsafeRawBufferPointer(rebasing: bytes[handle.offset..<end])
      let stored = bytes.loadUnaligned(fromByteOffset: end + 1, as: UInt32.self)
      let computed = Checksum.masked(UnsafeRawBufferPointer(rebasing: bytes[handle.offset...end]))
      guard UInt32(littleEndian: stored) == computed else {
        throw FormatError(.invalidValue, "the checksum of a block is wrong: expected \(UInt32(littleEndian: stored)), found \(computed)")
      }
      switch bytes[end] {
      case 0:
        budget -= content.count
        guard budget >= 0 else { throw FormatError(.limitExceeded, "blocks of more than \(limit) bytes") }
        return try entries(of: content, &budget)
      case 1:
        let plain = try Snappy.decompress(content, limit: budget)
        budget -= plain.count
        return try plain.withUnsafeBytes { try entries(of: $0, &budget) }
      default: throw FormatError(.invalidValue, "expected a block that is plain (0) or Snappy (1), found compression \(bytes[end])")
      }
    } catch var error as FormatError {
      if error.location.offset == nil { error.location.offset = handle.offset }
      throw error
    }
  }

  private static func entries(of block: UnsafeRawBufferPointer, _ budget: inout Int) throws -> [Entry] {
    guard block.count >= 4 else { throw FormatError(.truncated, "expected a block with restarts, found \(block.count) bytes") }
    let restarts = Int(UInt32(littleEndian: block.loadUnaligned(fromByteOffset: block.count - 4, as: UInt32.self)))
    guard restarts <= (block.count - 4) / 4 else {
      throw FormatError(.sizeMismatch, "a block of \(block.count) bytes has \(restarts) restarts")
    }
    var cursor = ByteCursor(UnsafeRawBufferPointer(rebasing: block[..<(block.count - 4 - 4 * restarts)]))
    var result: [Entry] = [], key: [UInt8] = []
    while !cursor.isAtEnd {
      let shared = try cursor.count(), own = try cursor.count(), size = try cursor.count()
      guard shared <= key.count else {
        throw FormatError(.invalidStructure, "a key shares \(shared) bytes with one of \(key.count)")
      }
      let previous = key
      key.removeSubrange(shared...)
      key.append(contentsOf: try cursor.take(own))
      guard result.isEmpty || previous.lexicographicallyPrecedes(key) else {
        throw FormatError(.invalidStructure, "keys are not in ascending order")
      }
      let value = try cursor.take(size)
      // Shared fronts may blow keys up far beyond the block.
      budget -= key.count + value.count
      guard budget >= 0 else { throw FormatError(.limitExceeded, "keys and values of more than \(limit) bytes") }
      result.append((key, [UInt8](value)))
    }
    return result
  }
}

/// Where a block stands.
struct BlockHandle {
  var offset: Int, size: Int
  init(offset: Int, size: Int) {
    self.offset = offset
    self.size = size
  }
  init(_ cursor: inout ByteCursor) throws {
    offset = try cursor.count()
    size = try cursor.count()
  }
  var bytes: [UInt8] {
    var result: [UInt8] = []
    result.append(varint: offset)
    result.append(varint: size)
    return result
  }
}
