import CProtobuf
import ModelSupport

/// Bounds on what a message may make of its bytes.
public struct ProtoLimits: Sendable {
  /// How deep messages may lie in each other.
  public var depth = 100
  /// How many messages and strings one file may hold: each costs far more memory than the two bytes
  /// it can take in the file.
  public var elements = 10_000_000
  public init() {}
}

/// A field as it was found: its number, wire type, and value or place.
public struct WireField: Sendable {
  public enum Kind: UInt32, Sendable { case varint = 0, fixed64 = 1, delimited = 2, group = 3, fixed32 = 5 }
  public let number: UInt32
  public let kind: Kind
  /// The bits of a varint or fixed-width value.
  public let value: UInt64
  /// The whole field, tag included, and its payload, as places in the file.
  public let whole: Range<Int>
  public let payload: Range<Int>
}

/// Reads messages out of mapped or held bytes. Only the bytes of the structure are touched.
public struct ProtoReader {
  let source: any ByteSource
  let bytes: UnsafeRawBufferPointer
  let limits: ProtoLimits
  private var depth = 0
  private var elements = 0

  init(source: any ByteSource, bytes: UnsafeRawBufferPointer, limits: ProtoLimits) {
    self.source = source
    self.bytes = bytes
    self.limits = limits
  }

  /// Reads the fields of `range` into `message`.
  mutating func read<M: ProtoMessage>(into message: inout M, _ range: Range<Int>) throws {
    depth += 1
    defer { depth -= 1 }
    guard depth <= limits.depth else {
      throw FormatError(
        .limitExceeded, "messages are nested deeper than \(limits.depth)",
        at: SourceLocation(offset: range.lowerBound))
    }
    try count(at: range.lowerBound)
    let table = M.table
    try forEachField(range) { field, reader in
      guard let row = table.field(field.number) else {
        message.unknownFields.append(reader.bytes(field.whole))
        return
      }
      do { try row.read(&message, field, &reader) } catch var error as FormatError {
        if error.location.offset == nil { error.location.offset = field.whole.lowerBound }
        throw row.label == .repeated && error.location.path.first?.hasPrefix(row.name + "[") == true
          ? error : error.within(row.name)
      }
    }
  }

  /// Counts one more message or string against the limit.
  mutating func count(at offset: Int) throws {
    elements += 1
    guard elements <= limits.elements else {
      throw FormatError(
        .limitExceeded, "more than \(limits.elements) messages and strings", at: SourceLocation(offset: offset))
    }
  }

  /// Scans in batches, so that the cost of the call into C is shared.
  private mutating func forEachField(
    _ range: Range<Int>, _ body: (WireField, inout ProtoReader) throws -> Void
  ) throws {
    guard let base = bytes.baseAddress, !range.isEmpty else { return }
    let start = base.assumingMemoryBound(to: UInt8.self) + range.lowerBound
    try withUnsafeTemporaryAllocation(of: cpb_field.self, capacity: 16) { buffer in
      guard let fields = buffer.baseAddress else { return }
      var position: UInt64 = 0
      while position < range.count {
        var found = 0
        let status = cpb_scan(start, UInt64(range.count), &position, fields, buffer.count, &found)
        for i in 0..<found { try body(try convert(buffer[i], base: range.lowerBound), &self) }
        guard status == CPB_OK else { throw Self.error(status, at: range.lowerBound + Int(position)) }
      }
    }
  }

  private func convert(_ field: cpb_field, base: Int) throws -> WireField {
    guard let kind = WireField.Kind(rawValue: field.wire_type) else {
      throw Self.error(CPB_MALFORMED, at: base + Int(field.start))
    }
    return WireField(
      number: field.number, kind: kind, value: field.value,
      whole: (base + Int(field.start))..<(base + Int(field.end)),
      payload: (base + Int(field.offset))..<(base + Int(field.offset + field.length)))
  }

  private static func error(_ status: cpb_status, at offset: Int) -> FormatError {
    let place = SourceLocation(offset: offset)
    switch status {
    case CPB_TRUNCATED:
      return FormatError(.truncated, "a protobuf field reaches beyond the end of its message", at: place)
    case CPB_TOO_DEEP:
      return FormatError(.limitExceeded, "protobuf groups are nested deeper than \(CPB_GROUP_LIMIT)", at: place)
    default:
      return FormatError(.invalidStructure, "expected a protobuf field, found other bytes", at: place)
    }
  }

  // MARK: Values

  /// Bytes of a range: held when short, else left in the file.
  func bytes(_ range: Range<Int>) -> WireBytes {
    if range.count <= WireBytes.inlineLimit {
      return WireBytes([UInt8](UnsafeRawBufferPointer(rebasing: bytes[range])))
    }
    if let file = source as? FileSlice {
      let start = file.range.lowerBound
      return WireBytes(FileSlice(file.file, (start + range.lowerBound)..<(start + range.upperBound)))
    }
    return WireBytes(ByteSlice(source, range))
  }

  func delimited(_ field: WireField) throws -> Range<Int> {
    guard field.kind == .delimited else { throw wrongKind(field, "length-delimited") }
    return field.payload
  }

  mutating func string(_ field: WireField) throws -> String {
    let range = try delimited(field)
    try count(at: range.lowerBound)
    guard let text = String(validating: UnsafeRawBufferPointer(rebasing: bytes[range]), as: UTF8.self) else {
      throw FormatError(
        .invalidValue, "expected UTF-8 text, found other bytes", at: SourceLocation(offset: range.lowerBound))
    }
    return text
  }

  func varint(_ field: WireField) throws -> UInt64 {
    guard field.kind == .varint else { throw wrongKind(field, "varint") }
    return field.value
  }
  func fixed64(_ field: WireField) throws -> UInt64 {
    guard field.kind == .fixed64 else { throw wrongKind(field, "fixed64") }
    return field.value
  }
  func float(_ field: WireField) throws -> Float {
    guard field.kind == .fixed32 else { throw wrongKind(field, "fixed32") }
    return Float(bitPattern: UInt32(truncatingIfNeeded: field.value))
  }

  func wrongKind(_ field: WireField, _ expected: String) -> FormatError {
    FormatError(
      .invalidStructure, "expected a \(expected) field, found wire type \(field.kind.rawValue)",
      at: SourceLocation(offset: field.whole.lowerBound))
  }
}

extension ProtoMessage {
  /// Reads a message that is all of `source`.
  /// - Throws: `FormatError` with the byte offset and the path of fields.
  public init(reading source: any ByteSource, limits: ProtoLimits = ProtoLimits()) throws {
    self.init()
    try source.withBytes(in: 0..<source.byteCount) { bytes in
      var reader = ProtoReader(source: source, bytes: bytes, limits: limits)
      try reader.read(into: &self, 0..<bytes.count)
    }
  }

  public init(reading bytes: [UInt8], limits: ProtoLimits = ProtoLimits()) throws {
    try self.init(reading: MemorySource(bytes), limits: limits)
  }

  /// Reads a message that is a whole mapped file; long `bytes` fields stay in the mapping.
  public init(reading file: MappedFile, limits: ProtoLimits = ProtoLimits()) throws {
    do { try self.init(reading: FileSlice(file, 0..<file.count), limits: limits) } catch let error as FormatError {
      throw error.inFile(file.path)
    }
  }
}
