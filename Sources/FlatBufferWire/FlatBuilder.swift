import ModelSupport

/// Lays tables out, from front to back: every table is followed by what it refers to, and all vectors of bytes stand
/// behind the tables. The same tables always give the same bytes.
///
/// Vectors of bytes are not copied before they are written, so that weights may come from other files.
public struct FlatBuilder {
  /// FlatBuffers' offsets reach this far.
  public static let maximumSize = Int(Int32.max)

  private var bytes: [UInt8] = []
  private var vtables: [[UInt16]: Int] = [:]
  private var blobs: [(reference: Int, content: FlatBytes, alignment: Int)] = []

  /// The bytes of a file with `root` as its root table.
  /// - Parameter identifier: the four letters behind the first offset.
  /// - Throws: `FormatError.limitExceeded` when they would be more than offsets can reach.
  public static func build<T: FlatTable>(_ root: T, identifier: String? = nil) throws -> FlatBuffer {
    var builder = FlatBuilder()
    builder.bytes.append(little: 0, 4)
    if let identifier {
      guard identifier.utf8.count == 4 else {
        throw FormatError(.invalidValue, "expected a file identifier of four letters, found '\(identifier)'")
      }
      builder.bytes.append(contentsOf: identifier.utf8)
    }
    let place = try builder.write(root)
    builder.bytes.store(little: UInt64(place), 4, at: 0)
    return try builder.finish()
  }

  // MARK: Tables

  /// A field on its way into a table.
  private struct Entry {
    let slot: Int
    let size: Int
    /// A scalar's bits; a reference is filled in later.
    let bits: UInt64
    let reference: FlatValue?
  }

  private mutating func write<T: FlatTable>(_ table: T) throws -> Int {
    var entries: [Entry] = []
    for field in T.table.fields {
      switch field.value(table) {
      case nil: break
      case .scalar(let value)?:
        if field.defaultBits == value.wire { break }
        entries.append(Entry(slot: field.slot, size: field.inlineSize, bits: value.wire, reference: nil))
      case .union(let type, let content)?:
        entries.append(Entry(slot: field.slot - 1, size: 1, bits: UInt64(type), reference: nil))
        entries.append(Entry(slot: field.slot, size: 4, bits: 0, reference: .table(content)))
      case let value?: entries.append(Entry(slot: field.slot, size: 4, bits: 0, reference: value))
      }
    }
    // Wide fields first, so that little is lost between them.
    var places = [Int](repeating: 0, count: entries.count)
    var end = 4
    for index in entries.indices.sorted(by: { (entries[$1].size, $0) < (entries[$0].size, $1) }) {
      let size = entries[index].size
      end = (end + size - 1) / size * size
      places[index] = end
      end += size
    }
    let start = try placeTable(entries, places, size: end)
    for (entry, place) in zip(entries, places) {
      if let value = entry.reference { try write(value, at: start + place) }
    }
    return start
  }

  /// Puts down a table's own bytes, and its vtable unless one like it stands already.
  private mutating func placeTable(_ entries: [Entry], _ places: [Int], size: Int) throws -> Int {
    var vtable = [UInt16](repeating: 0, count: 2 + (entries.lazy.map { $0.slot + 1 }.max() ?? 0))
    vtable[0] = UInt16(truncatingIfNeeded: 2 * vtable.count)
    vtable[1] = UInt16(truncatingIfNeeded: size)
    for (entry, place) in zip(entries, places) { vtable[2 + entry.slot] = UInt16(truncatingIfNeeded: place) }
    let vtablePlace: Int
    if let known = vtables[vtable] {
      vtablePlace = known
    } else {
      pad(2)
      vtablePlace = bytes.count
      for word in vtable { bytes.append(little: UInt64(word), 2) }
      vtables[vtable] = vtablePlace
    }
    pad(max(4, entries.lazy.map(\.size).max() ?? 4))
    let start = bytes.count
    bytes.append(contentsOf: repeatElement(0, count: size))
    bytes.store(little: UInt64(start - vtablePlace), 4, at: start)
    for (entry, place) in zip(entries, places) { bytes.store(little: entry.bits, entry.size, at: start + place) }
    return start
  }

  // MARK: What tables refer to

  /// Puts `value` down and points the reference at `reference` to it.
  private mutating func write(_ value: FlatValue, at reference: Int) throws {
    switch value {
    case .scalar, .union: break
    case .bytes(let content, let alignment): blobs.append((reference, content, alignment))
    case .table(let table): point(reference, to: try write(table))
    case .string(let text): writeString(text, at: reference)
    case .scalars(let vector):
      pad(4)
      if vector.stride > 4, bytes.count % 8 != 4 { bytes.append(little: 0, 4) }
      point(reference, to: bytes.count)
      bytes.append(little: UInt64(vector.count), 4)
      vector.append(to: &bytes)
    case .strings(let texts):
      let first = references(texts.count, at: reference)
      for (index, text) in texts.enumerated() { writeString(text, at: first + 4 * index) }
    case .tables(let tables):
      let first = references(tables.count, at: reference)
      for (index, table) in tables.enumerated() { point(first + 4 * index, to: try write(table)) }
    }
    guard bytes.count <= Self.maximumSize else { throw Self.tooLarge }
  }

  private mutating func writeString(_ text: String, at reference: Int) {
    pad(4)
    point(reference, to: bytes.count)
    bytes.append(little: UInt64(text.utf8.count), 4)
    bytes.append(contentsOf: text.utf8)
    bytes.append(0)
  }

  /// A vector of `count` references, which are filled in later.
  private mutating func references(_ count: Int, at reference: Int) -> Int {
    pad(4)
    point(reference, to: bytes.count)
    bytes.append(little: UInt64(count), 4)
    bytes.append(contentsOf: repeatElement(0, count: 4 * count))
    return bytes.count - 4 * count
  }

  private mutating func point(_ reference: Int, to place: Int) {
    bytes.store(little: UInt64(place - reference), 4, at: reference)
  }

  private mutating func pad(_ alignment: Int) {
    while bytes.count % alignment != 0 { bytes.append(0) }
  }

  // MARK: Vectors of bytes

  static var tooLarge: FormatError {
    FormatError(.limitExceeded, "a FlatBuffer holds at most \(maximumSize) bytes")
  }

  /// Finds places for the vectors of bytes, behind everything else.
  private mutating func finish() throws -> FlatBuffer {
    var pieces: [FlatBuffer.Piece] = []
    var end = bytes.count
    for (reference, content, alignment) in blobs {
      let start = (end + 4 + alignment - 1) / alignment * alignment
      pieces.append(FlatBuffer.Piece(gap: start - 4 - end, content: content))
      bytes.store(little: UInt64(start - 4 - reference), 4, at: reference)
      end = start + content.count
      guard end <= Self.maximumSize else { throw Self.tooLarge }
    }
    return FlatBuffer(tables: bytes, pieces: pieces, byteCount: end)
  }
}

/// A FlatBuffer that is laid out: its tables, and the vectors of bytes behind them.
public struct FlatBuffer: Sendable {
  struct Piece: Sendable {
    /// Zeros before the length.
    let gap: Int
    let content: FlatBytes
  }
  let tables: [UInt8]
  let pieces: [Piece]
  public let byteCount: Int

  /// Appends the whole to a file. Vectors that stand in other files are copied inside the kernel.
  public func write(to file: OutputFile) throws {
    try file.append(tables)
    for piece in pieces {
      var head = [UInt8](repeating: 0, count: piece.gap)
      head.append(little: UInt64(piece.content.count), 4)
      try file.append(head)
      try file.append(piece.content.source)
    }
  }

  /// The whole in memory.
  public func bytes() throws -> [UInt8] {
    var result = tables
    result.reserveCapacity(byteCount)
    for piece in pieces {
      result.append(contentsOf: repeatElement(0, count: piece.gap))
      result.append(little: UInt64(piece.content.count), 4)
      result.append(contentsOf: try piece.content.bytes())
    }
    return result
  }
}
