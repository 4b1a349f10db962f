import ModelSupport

/// A vector of bytes: a range of the file it was read from, or bytes that are to be written.
public struct FlatBytes: Sendable, Hashable {
  private enum Storage: Sendable {
    case memory([UInt8])
    case source(any ByteSource)
    case slice(any ByteSource, Range<Int>)
  }
  private let storage: Storage

  public init(_ bytes: [UInt8]) { storage = .memory(bytes) }
  /// Bytes that are read when they are written or asked for.
  public init(_ source: any ByteSource) { storage = .source(source) }
  /// A part of `base`.
  public init(_ base: any ByteSource, _ range: Range<Int>) { storage = .slice(base, range) }

  public var count: Int {
    switch storage {
    case .memory(let bytes): bytes.count
    case .source(let source): source.byteCount
    case .slice(_, let range): range.count
    }
  }
  public var isEmpty: Bool { count == 0 }

  /// The bytes, where they are.
  public var source: any ByteSource {
    switch storage {
    case .memory(let bytes): MemorySource(bytes)
    case .source(let source): source
    case .slice(let base, let range): base.slice(range)
    }
  }

  /// All bytes, copied.
  public func bytes() throws -> [UInt8] {
    if case .memory(let bytes) = storage { bytes } else { try source.bytes() }
  }

  /// The place in a file where the bytes stand.
  public var extent: FileExtent? { source.extent }

  /// Whether the bytes are the same, wherever they stand. Bytes that can't be read equal none.
  public static func == (a: FlatBytes, b: FlatBytes) -> Bool {
    guard a.count == b.count else { return false }
    guard let left = try? a.bytes(), let right = try? b.bytes() else { return false }
    return left == right
  }
  public func hash(into hasher: inout Hasher) { hasher.combine(count) }
}
