import ModelSupport

/// Bounds on what a file may make of its bytes. FlatBuffers may share tables, so that a few bytes can stand for many.
public struct FlatLimits: Sendable {
  /// How deep tables may lie in each other.
  public var depth = 64
  /// How many tables and strings are read at most.
  public var elements = 2_000_000
  public init() {}
}

/// Reads tables out of mapped or held bytes. Every offset, vtable and vector is held against the bytes that are there.
public struct FlatReader {
  let source: any ByteSource
  let bytes: UnsafeRawBufferPointer
  private let limits: FlatLimits
  private var depth = 0
  private var elementsLeft: Int
  private var vectorBytesLeft: Int
  private var blobBytesLeft: Int
  /// Behind the last byte that was read or found to belong to a vector.
  private(set) var end = 0
  /// How many fields and unions held something the schema does not name.
  private(set) var unknownFieldCount = 0

  init(source: any ByteSource, bytes: UnsafeRawBufferPointer, limits: FlatLimits) {
    self.source = source
    self.bytes = bytes
    self.limits = limits
    // Each element that is not shared has a reference of four bytes.
    elementsLeft = min(limits.elements, 1024 + bytes.count)
    vectorBytesLeft = 65536 + 2 * bytes.count
    blobBytesLeft = vectorBytesLeft
  }

  // MARK: Numbers

  func load<V: FixedWidthInteger>(_ position: Int, as type: V.Type) throws -> V {
    guard position >= 0, position <= bytes.count - MemoryLayout<V>.size else {
      throw FormatError(
        .truncated, "expected \(MemoryLayout<V>.size) bytes, the FlatBuffer ends at byte \(bytes.count)",
        at: SourceLocation(offset: position))
    }
    return V(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: V.self))
  }

  func scalar<V: FlatScalar>(_ position: Int, as type: V.Type) throws -> V {
    switch V.wireSize {
    case 1: V(wire: UInt64(try load(position, as: UInt8.self)))
    case 2: V(wire: UInt64(try load(position, as: UInt16.self)))
    case 4: V(wire: UInt64(try load(position, as: UInt32.self)))
    default: V(wire: try load(position, as: UInt64.self))
    }
  }

  /// Where the offset that stands at `position` leads.
  func target(_ position: Int) throws -> Int {
    let offset = Int(try load(position, as: UInt32.self))
    guard offset >= 4, offset < bytes.count - position else {
      throw FormatError(
        .sizeMismatch, "expected an offset that leads into the \(bytes.count) bytes, found \(offset)",
        at: SourceLocation(offset: position))
    }
    return position + offset
  }

  // MARK: Vectors

  /// The elements of the vector that the offset at `position` leads to.
  mutating func vector(_ position: Int, stride: Int) throws -> (start: Int, count: Int) {
    let place = try target(position)
    let count = Int(try load(place, as: UInt32.self)), start = place + 4
    guard count <= (bytes.count - start) / stride else {
      throw FormatError(
        .sizeMismatch, "expected a vector that fits the \(bytes.count - start) bytes left, found \(count) elements of \(stride) bytes",
        at: SourceLocation(offset: place))
    }
    end = max(end, start + count * stride)
    return (start, count)
  }

  mutating func scalars<V: FlatScalar>(_ position: Int, as type: V.Type) throws -> [V] {
    let stride = V.wireSize
    let (start, count) = try vector(position, stride: stride)
    vectorBytesLeft -= count * stride
    guard vectorBytesLeft >= 0 else { throw shared(at: start) }
    // A plain loop: where `V` is not known, the sequence's own `map` is looked up for each vector.
    var values: [V] = []
    values.reserveCapacity(count)
    for i in 0..<count { values.append(try scalar(start + i * stride, as: V.self)) }
    return values
  }

  mutating func byteVector(_ position: Int) throws -> FlatBytes {
    let (start, count) = try vector(position, stride: 1)
    // They stay where they are, but writing them again would lay down each reference's bytes.
    blobBytesLeft -= count
    guard blobBytesLeft >= 0 else { throw shared(at: start) }
    return FlatBytes(source, start..<(start + count))
  }

  mutating func string(_ position: Int) throws -> String {
    let (start, count) = try vector(position, stride: 1)
    try countElement(at: start)
    vectorBytesLeft -= count
    guard vectorBytesLeft >= 0 else { throw shared(at: start) }
    guard let text = String(validating: UnsafeRawBufferPointer(rebasing: bytes[start..<(start + count)]), as: UTF8.self) else {
      throw FormatError(.invalidValue, "expected UTF-8 text, found other bytes", at: SourceLocation(offset: start))
    }
    return text
  }

  private mutating func countElement(at position: Int) throws {
    elementsLeft -= 1
    guard elementsLeft >= 0 else { throw shared(at: position) }
  }

  private func shared(at position: Int) -> FormatError {
    FormatError(
      .limitExceeded, "expected tables and vectors that stand once each, found so many references that they outgrow the file",
      at: SourceLocation(offset: position))
  }

  // MARK: Tables

  /// The table that starts at `position`.
  public mutating func table<T: FlatTable>(at position: Int, as type: T.Type = T.self) throws -> T {
    depth += 1
    defer { depth -= 1 }
    guard depth <= limits.depth else {
      throw FormatError(.limitExceeded, "tables are nested deeper than \(limits.depth)", at: SourceLocation(offset: position))
    }
    try countElement(at: position)
    let slots = try slots(of: position, name: T.tableName)
    var value = T()
    let rows = T.table
    for slot in 0..<slots.count {
      guard let field = try slots.position(slot, self) else { continue }
      guard let row = rows.row(slot) else {
        if !rows.isUnionType(slot) {
          value.unknownFields.append(slot)
          unknownFieldCount += 1
        }
        continue
      }
      do {
        try slots.check(field, row.inlineSize)
        try row.read(&value, FlatSlot(number: slot, position: field, slots: slots), &self)
      } catch var error as FormatError {
        if error.location.offset == nil { error.location.offset = field }
        throw error.location.path.first?.hasPrefix(row.name + "[") == true ? error : error.within(row.name)
      }
    }
    return value
  }

  mutating func countUnknown() { unknownFieldCount += 1 }

  private mutating func slots(of position: Int, name: String) throws -> FlatSlots {
    let vtable = position - Int(try load(position, as: Int32.self))
    let size = Int(try load(vtable, as: UInt16.self))
    let tableSize = Int(try load(vtable + 2, as: UInt16.self))
    guard size >= 4, size % 2 == 0, size <= bytes.count - vtable else {
      throw FormatError(
        .invalidStructure, "expected the vtable of a table \(name), found \(size) as its size", at: SourceLocation(offset: vtable))
    }
    guard tableSize >= 4, tableSize <= bytes.count - position else {
      throw FormatError(
        .sizeMismatch, "expected a table \(name) within \(bytes.count - position) bytes, found \(tableSize) as its size",
        at: SourceLocation(offset: vtable + 2))
    }
    end = max(end, position + tableSize, vtable + size)
    return FlatSlots(table: position, tableSize: tableSize, vtable: vtable, count: (size - 4) / 2)
  }
}

/// The fields of one table, by slot.
struct FlatSlots {
  let table: Int
  let tableSize: Int
  let vtable: Int
  let count: Int

  /// Where the field of `slot` stands; `nil` when it is absent.
  func position(_ slot: Int, _ reader: FlatReader) throws -> Int? {
    guard slot < count else { return nil }
    let offset = Int(try reader.load(vtable + 4 + 2 * slot, as: UInt16.self))
    return offset == 0 ? nil : table + offset
  }

  func check(_ field: Int, _ size: Int) throws {
    guard field >= table + 4, field + size <= table + tableSize else {
      throw FormatError(
        .invalidStructure, "expected a field of \(size) bytes within the \(tableSize) of its table, found it at \(field - table)",
        at: SourceLocation(offset: field))
    }
  }
}

/// A field that is there.
struct FlatSlot {
  let number: Int
  let position: Int
  let slots: FlatSlots
}

/// A whole FlatBuffer, read.
public struct FlatContents<Root: FlatTable>: Sendable {
  public let root: Root
  /// Behind the last byte that belongs to a table, a string or a vector: what follows is no part of the FlatBuffer.
  public let end: Int
  /// How many fields the schema does not name.
  public let unknownFieldCount: Int

  /// Reads the root table of `source`; vectors of bytes stay where they are.
  /// - Throws: `FormatError` with the byte offset and the path of fields.
  public init(reading source: any ByteSource, limits: FlatLimits = FlatLimits()) throws {
    var found: (root: Root, end: Int, unknown: Int)?
    try source.withBytes(in: 0..<source.byteCount) { bytes in
      var reader = FlatReader(source: source, bytes: bytes, limits: limits)
      let root = try reader.table(at: try reader.target(0), as: Root.self)
      found = (root, reader.end, reader.unknownFieldCount)
    }
    (root, end, unknownFieldCount) = found ?? (Root(), 0, 0)
  }
}

extension FlatTable {
  /// Reads the root table of `source`.
  /// - Throws: `FormatError` with the byte offset and the path of fields.
  public init(reading source: any ByteSource, limits: FlatLimits = FlatLimits()) throws {
    self = try FlatContents<Self>(reading: source, limits: limits).root
  }

  public init(reading bytes: [UInt8], limits: FlatLimits = FlatLimits()) throws {
    try self.init(reading: MemorySource(bytes), limits: limits)
  }

  /// Reads the root table of a mapped file.
  public init(reading file: MappedFile, limits: FlatLimits = FlatLimits()) throws {
    do { try self.init(reading: FileSlice(file, 0..<file.count), limits: limits) } catch let error as FormatError {
      throw error.inFile(file.path)
    }
  }
}
