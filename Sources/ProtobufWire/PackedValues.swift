import CProtobuf
import ModelSupport

/// The elements of a repeated scalar field as they stand on the wire, packed: varints one behind the
/// other, or little-endian fixed-width numbers. Long runs stay in the file.
public struct PackedValues: Sendable {
  private var sources: [any ByteSource] = []
  private var tail: [UInt8] = []

  public init() {}
  public init(_ source: any ByteSource) { if source.byteCount > 0 { sources = [source] } }
  public init(fixed32 values: [UInt32]) {
    for value in values { append(fixed32: value) }
  }
  public init(fixed64 values: [UInt64]) {
    for value in values { append(fixed64: value) }
  }
  public init(varints values: [UInt64]) {
    for value in values { append(varint: value) }
  }

  public var isEmpty: Bool { tail.isEmpty && sources.isEmpty }
  public var byteCount: Int { sources.reduce(tail.count) { $0 + $1.byteCount } }
  /// All runs as one.
  public var source: any ByteSource {
    let all = tail.isEmpty ? sources : sources + [MemorySource(tail)]
    if all.count == 1, let only = all.first { return only }
    return JoinedSource(all)
  }

  mutating func append(_ bytes: WireBytes) {
    guard !bytes.isEmpty else { return }
    if let held = bytes.held {
      tail.append(contentsOf: held)
    } else {
      if !tail.isEmpty { sources.append(MemorySource(tail)) }
      tail = []
      sources.append(bytes.source)
    }
  }
  mutating func append(varint value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      tail.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    tail.append(UInt8(truncatingIfNeeded: rest))
  }
  mutating func append(fixed32 value: UInt32) {
    withUnsafeBytes(of: value.littleEndian) { tail.append(contentsOf: $0) }
  }
  mutating func append(fixed64 value: UInt64) {
    withUnsafeBytes(of: value.littleEndian) { tail.append(contentsOf: $0) }
  }

  /// The elements as varints.
  /// - Throws: `FormatError` when a varint is cut off, or when there are more than `limit`.
  public func varints(limit: Int = .max) throws -> [UInt64] {
    var result: [UInt64] = []
    let source = source
    try source.withBytes(in: 0..<source.byteCount) { try Self.decodeVarints($0, limit: limit, into: &result) }
    return result
  }

  static func decodeVarints(_ bytes: UnsafeRawBufferPointer, limit: Int, into result: inout [UInt64]) throws {
    guard let base = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
    var position: UInt64 = 0
    try withUnsafeTemporaryAllocation(of: UInt64.self, capacity: 512) { buffer in
      guard let start = buffer.baseAddress else { return }
      while position < bytes.count {
        var found = 0
        let status = cpb_read_varints(base, UInt64(bytes.count), &position, start, buffer.count, &found)
        guard status == CPB_OK else {
          throw FormatError(.truncated, "a packed varint is cut off", at: SourceLocation(offset: Int(position)))
        }
        guard found <= limit - result.count else {
          throw FormatError(.sizeMismatch, "expected at most \(limit) packed values, found more")
        }
        result.append(contentsOf: UnsafeBufferPointer(start: start, count: found))
      }
    }
  }

  /// The elements as little-endian numbers of 32 bits.
  public func fixed32() throws -> [UInt32] {
    let source = source
    guard source.byteCount % 4 == 0 else {
      throw FormatError(.sizeMismatch, "packed 32-bit values take \(source.byteCount) bytes, no multiple of 4")
    }
    var result: [UInt32] = []
    try source.withBytes(in: 0..<source.byteCount) { bytes in
      result.reserveCapacity(bytes.count / 4)
      for at in stride(from: 0, to: bytes.count, by: 4) {
        result.append(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt32.self)))
      }
    }
    return result
  }
}
