import CZip
import ModelSupport

/// Writes a zip archive from front to back, each entry streamed from its source. The same entries make
/// the same bytes: no times, no attributes.
public final class ZipWriter {
  public enum Method: Sendable {
    /// As they are; the bytes begin at a multiple of `alignment` in the file.
    case stored
    case deflated
  }

  /// Stored bytes begin at multiples of this, so that a mapped archive can be computed with in place.
  public static let alignment = 64

  private let output: OutputFile
  private var records: [Record] = []
  private var names: Set<String> = []

  private struct Record {
    let name: [UInt8]
    let method: Method
    var crc: UInt32 = 0
    var size = 0, compressedSize = 0
    let offset: Int
    /// Whether the sizes may need more than 32 bits.
    let isWide: Bool
  }

  /// - Throws: `StorageError.cannotCreate`.
  public init(path: String) throws { output = try OutputFile(creating: path) }

  /// Adds an entry.
  /// - Throws: `FormatError` when the name leads outside, occurs already, or `source` can't be read.
  public func add(_ name: String, _ source: any ByteSource, method: Method = .stored) throws {
    _ = try containedPath(name, in: "")
    let bytes = Array(name.utf8)
    guard bytes.count <= Int(UInt16.max), names.insert(name).inserted else {
      throw FormatError(.invalidValue, "the entry '\(name)' can't be added (again)")
    }
    // Deflate can make incompressible bytes a little longer.
    let isWide = source.byteCount >= 0xFFFF_0000 - source.byteCount / 1000
    var record = Record(name: bytes, method: method, offset: output.position, isWide: isWide)
    try output.append(localHeader(record))
    let start = output.position
    var checksum: UInt = crc32_z(0, nil, 0)
    switch method {
    case .stored:
      try output.append(source) { checksum = crc32_z(checksum, $0.baseAddress, $0.count) }
    case .deflated:
      let deflater = try Deflater()
      try source.forEachChunk { chunk in
        checksum = crc32_z(checksum, chunk.baseAddress, chunk.count)
        try deflater.add(chunk, isLast: false) { try output.append($0) }
      }
      try deflater.add(UnsafeRawBufferPointer(start: nil, count: 0), isLast: true) { try output.append($0) }
    }
    record.crc = UInt32(truncatingIfNeeded: checksum)
    record.size = source.byteCount
    record.compressedSize = output.position - start
    try output.overwrite(at: record.offset, localHeader(record))
    records.append(record)
  }

  /// Adds an entry of bytes in memory.
  public func add(_ name: String, _ bytes: [UInt8], method: Method = .stored) throws {
    try add(name, MemorySource(bytes), method: method)
  }

  /// Writes the directory and ends the file.
  public func finish() throws {
    let start = output.position
    for record in records { try output.append(centralHeader(record)) }
    let size = output.position - start
    var end: [UInt8] = []
    if records.count >= 0xFFFF || start >= 0xFFFF_FFFF || size >= 0xFFFF_FFFF {
      let wide = output.position
      end.put32(0x0606_4B50); end.put64(44); end.put16(45); end.put16(45); end.put32(0); end.put32(0)
      end.put64(records.count); end.put64(records.count); end.put64(size); end.put64(start)
      end.put32(0x0706_4B50); end.put32(0); end.put64(wide); end.put32(1)
    }
    end.put32(0x0605_4B50); end.put16(0); end.put16(0)
    end.put16(min(records.count, 0xFFFF)); end.put16(min(records.count, 0xFFFF))
    end.put32(min(size, 0xFFFF_FFFF)); end.put32(min(start, 0xFFFF_FFFF)); end.put16(0)
    try output.append(end)
    try output.finish()
  }

  /// Version, flags, method, time, date, checksum: what both headers share.
  private func common(_ record: Record, isWide: Bool) -> [UInt8] {
    var out: [UInt8] = []
    out.put16(isWide ? 45 : 20)
    // Names beyond ASCII are marked as UTF-8.
    out.put16(record.name.allSatisfy { $0 < 0x80 } ? 0 : 0x800)
    out.put16(record.method == .stored ? 0 : 8)
    out.put16(0)
    out.put16(0x21)  // 1 January 1980, the earliest there is.
    out.put32(Int(record.crc))
    return out
  }

  private func localHeader(_ record: Record) -> [UInt8] {
    let isWide = record.isWide
    var extra: [UInt8] = []
    if isWide { extra.put16(1); extra.put16(16); extra.put64(record.size); extra.put64(record.compressedSize) }
    if record.method == .stored {
      let start = record.offset + 30 + record.name.count + extra.count
      var padding = (Self.alignment - start % Self.alignment) % Self.alignment
      if padding > 0, padding < 4 { padding += Self.alignment }
      if padding > 0 {
        extra.put16(0xD935)  // The identifier Android's zipalign pads with.
        extra.put16(padding - 4)
        extra += [UInt8](repeating: 0, count: padding - 4)
      }
    }
    var out: [UInt8] = []
    out.put32(0x0403_4B50)
    out += common(record, isWide: isWide)
    out.put32(isWide ? 0xFFFF_FFFF : record.compressedSize)
    out.put32(isWide ? 0xFFFF_FFFF : record.size)
    out.put16(record.name.count)
    out.put16(extra.count)
    return out + record.name + extra
  }

  private func centralHeader(_ record: Record) -> [UInt8] {
    let isWide = record.isWide || record.offset >= 0xFFFF_FFFF
    var extra: [UInt8] = []
    if isWide {
      extra.put16(1); extra.put16(24)
      extra.put64(record.size); extra.put64(record.compressedSize); extra.put64(record.offset)
    }
    var out: [UInt8] = []
    out.put32(0x0201_4B50)
    out.put16(isWide ? 45 : 20)
    out += common(record, isWide: isWide)
    out.put32(isWide ? 0xFFFF_FFFF : record.compressedSize)
    out.put32(isWide ? 0xFFFF_FFFF : record.size)
    out.put16(record.name.count)
    out.put16(extra.count)
    out.put16(0); out.put16(0); out.put16(0); out.put32(0)
    out.put32(isWide ? 0xFFFF_FFFF : record.offset)
    return out + record.name + extra
  }
}

extension [UInt8] {
  mutating func put16(_ value: Int) { for shift in [0, 8] { append(UInt8(truncatingIfNeeded: value >> shift)) } }
  mutating func put32(_ value: Int) { for shift in [0, 8, 16, 24] { append(UInt8(truncatingIfNeeded: value >> shift)) } }
  mutating func put64(_ value: Int) { put32(value); put32(value >> 32) }
}
