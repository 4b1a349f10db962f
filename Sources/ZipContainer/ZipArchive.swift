import CZip
import ModelSupport

/// A zip archive opened for reading. Opening reads the directory; entries are read when asked for.
/// ```swift
/// let archive = try ZipArchive(path: "model.keras")
/// let config = try archive.source("config.json")?.bytes()
/// ```
/// A stored entry is a range of the file. A compressed one is expanded when its bytes are first
/// asked for: small ones into memory, large ones into a temporary file without a name.
public final class ZipArchive: Sendable {
  public struct Entry: Sendable, Hashable {
    /// The path inside the archive. Never absolute, never with `..`, and only once in an archive.
    public let name: String
    public let size: Int
    public let compressedSize: Int
    /// Whether the bytes stand in the file as they are.
    public let isStored: Bool
    public let crc: UInt32
    let index: Int
    let headerOffset: Int

    public var isDirectory: Bool { name.hasSuffix("/") }
  }

  public let path: String
  public let entries: [Entry]
  private let file: MappedFile
  private let byName: [String: Int]
  private let reader: ZipReader

  /// An archive of more entries is refused.
  public static let maximumEntries = 1 << 18
  /// An entry that claims more than this may expand its bytes at most `maximumExpansion` times.
  public static let expansionFloor = 256 << 20
  public static let maximumExpansion = 100

  /// - Throws: `StorageError` when the file can't be opened; `FormatError` when it is no zip archive, is
  ///   damaged, or holds names that lead outside, names that occur twice, or entries that expand too far.
  public init(path: String) throws {
    self.path = path
    let file = try MappedFile(path: path)
    self.file = file
    do {
      let directory = try ZipDirectory(reading: file)
      reader = try ZipReader(path: path)
      let described = try reader.entries(limit: Self.maximumEntries)
      guard described.count == directory.headers.count else {
        throw FormatError(
          .invalidStructure, "the directory lists \(directory.headers.count) entries, expected \(described.count)")
      }
      var byName: [String: Int] = [:]
      var entries: [Entry] = []
      for (index, item) in described.enumerated() {
        let entry = Entry(
          name: item.name, size: item.size, compressedSize: item.compressedSize, isStored: item.isStored, crc: item.crc,
          index: index, headerOffset: directory.headers[index].localOffset)
        try within("entry \(item.name)") {
          try Self.check(entry, fileSize: file.count)
          guard item.size == directory.headers[index].size, byName.updateValue(index, forKey: item.name) == nil else {
            throw FormatError(.invalidStructure, "the name occurs more than once")
          }
        }
        entries.append(entry)
      }
      self.entries = entries
      self.byName = byName
    } catch let error as FormatError { throw error.inFile(path) }
  }

  private static func check(_ entry: Entry, fileSize: Int) throws {
    _ = try containedPath(entry.name, in: "")
    guard entry.compressedSize <= fileSize else {
      throw FormatError(.truncated, "expected \(entry.compressedSize) bytes, the file has \(fileSize)")
    }
    guard !entry.isStored || entry.size == entry.compressedSize else {
      throw FormatError(.sizeMismatch, "a stored entry of \(entry.compressedSize) bytes claims \(entry.size)")
    }
    guard entry.size <= expansionFloor || entry.size / maximumExpansion <= entry.compressedSize else {
      throw FormatError(.limitExceeded, "\(entry.compressedSize) bytes claim to expand to \(entry.size)")
    }
  }

  /// The entry called `name`.
  public subscript(name: String) -> Entry? { byName[name].map { entries[$0] } }

  /// The bytes of the entry called `name`, or `nil` when there is none.
  public func source(_ name: String) throws -> (any ByteSource)? { try self[name].map(source) }

  /// The bytes of `entry`, not read yet.
  public func source(_ entry: Entry) throws -> any ByteSource {
    try located(entry) {
      guard entry.isStored else { return ExpandedSource(self, entry, reader: reader) }
      let start = try ZipDirectory.dataOffset(ofHeaderAt: entry.headerOffset, in: file)
      guard start <= file.count, entry.size <= file.count - start else {
        throw FormatError(
          .truncated, "expected \(entry.size) bytes at \(start), the file has \(file.count)", at: SourceLocation(offset: start))
      }
      return FileSlice(file, start..<(start + entry.size))
    }
  }

  /// Whether the file begins like a zip archive.
  public static func matches(_ file: MappedFile) -> Bool {
    let head = file.bytes.prefix(4)
    return head.elementsEqual([0x50, 0x4B, 0x03, 0x04]) || head.elementsEqual([0x50, 0x4B, 0x05, 0x06])
  }

  func located<R>(_ entry: Entry, _ body: () throws -> R) throws -> R {
    do { return try body() } catch let error as FormatError { throw error.within("entry \(entry.name)").inFile(path) }
  }
}
