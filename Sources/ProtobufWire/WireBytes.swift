import ModelSupport

/// The value of a `bytes` field: short ones are held, long ones stay where they are in the file.
public struct WireBytes: Sendable {
  /// Payloads up to this many bytes are copied out of the file when it is read.
  public static let inlineLimit = 256

  private enum Storage: Sendable {
    case inline([UInt8])
    case source(any ByteSource)
  }
  private let storage: Storage

  public init(_ bytes: [UInt8]) { storage = .inline(bytes) }
  /// Bytes that are read when they are written or asked for.
  public init(_ source: any ByteSource) { storage = .source(source) }
  public init(_ text: String) { storage = .inline(Array(text.utf8)) }

  public var count: Int {
    switch storage {
    case .inline(let bytes): bytes.count
    case .source(let source): source.byteCount
    }
  }
  public var isEmpty: Bool { count == 0 }

  public var source: any ByteSource {
    switch storage {
    case .inline(let bytes): MemorySource(bytes)
    case .source(let source): source
    }
  }

  /// All bytes, copied.
  public func bytes() throws -> [UInt8] {
    switch storage {
    case .inline(let bytes): bytes
    case .source(let source): try source.bytes()
    }
  }

  /// The bytes as UTF-8 text.
  /// - Throws: `FormatError.invalidValue` when they are none.
  public func text() throws -> String {
    guard let text = String(validating: try bytes(), as: UTF8.self) else {
      throw FormatError(.invalidValue, "expected UTF-8 text, found other bytes")
    }
    return text
  }

  /// The bytes if they are held already.
  var held: [UInt8]? { if case .inline(let bytes) = storage { bytes } else { nil } }
}

/// A range of another source.
public final class ByteSlice: ByteSource {
  public let base: any ByteSource
  public let range: Range<Int>
  public init(_ base: any ByteSource, _ range: Range<Int>) {
    self.base = base
    self.range = range
  }
  public var byteCount: Int { range.count }
  public var extent: FileExtent? {
    guard let outer = base.extent, range.upperBound <= outer.range.count else { return nil }
    let start = outer.range.lowerBound
    return FileExtent(file: outer.file, range: (start + range.lowerBound)..<(start + range.upperBound))
  }
  public func withBytes(in r: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
    try check(r)
    try base.withBytes(in: (range.lowerBound + r.lowerBound)..<(range.lowerBound + r.upperBound), body)
  }
  public func release(_ r: Range<Int>) {
    base.release((range.lowerBound + r.lowerBound)..<(range.lowerBound + r.upperBound))
  }
}

/// Sources one behind the other.
public final class JoinedSource: ByteSource {
  public let parts: [any ByteSource]
  private let starts: [Int]
  public let byteCount: Int

  public init(_ parts: [any ByteSource]) {
    self.parts = parts
    var starts: [Int] = [], total = 0
    for part in parts {
      starts.append(total)
      total += part.byteCount
    }
    self.starts = starts
    byteCount = total
  }

  public func withBytes(in range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
    try check(range)
    var joined: [UInt8] = []
    joined.reserveCapacity(range.count)
    for (index, part) in parts.enumerated() {
      let low = max(range.lowerBound, starts[index])
      let high = min(range.upperBound, starts[index] + part.byteCount)
      guard low < high else { continue }
      try part.withBytes(in: (low - starts[index])..<(high - starts[index])) { joined.append(contentsOf: $0) }
    }
    try joined.withUnsafeBytes(body)
  }
}
