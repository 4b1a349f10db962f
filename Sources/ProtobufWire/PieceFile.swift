import ModelSupport
#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A file of raw pieces at given places, with zeros between: a model's external data. Pieces that stand in a file are copied
/// without passing through memory.
public struct PieceFile: Sendable {
  public private(set) var pieces: [(offset: Int, source: any ByteSource)] = []
  public private(set) var byteCount = 0
  public init() {}

  /// Adds a piece at the next multiple of `alignment` and gives its offset.
  public mutating func append(_ source: any ByteSource, alignment: Int) -> Int {
    let offset = (byteCount + alignment - 1) / alignment * alignment
    pieces.append((offset, source))
    byteCount = offset + source.byteCount
    return offset
  }

  /// - Throws: `StorageError`; `FormatError` from a source that does not hold what it promised.
  public func write(to path: String) throws {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw StorageError(.cannotCreate, String(cString: strerror(errno)), path: path) }
    var isOpen = true
    defer { if isOpen { close(descriptor) } }
    let output = try ProtoOutput(descriptor: descriptor, path: path)
    var position = 0
    for piece in pieces {
      if piece.offset > position { try output.copy(MemorySource([UInt8](repeating: 0, count: piece.offset - position))) }
      try output.copy(piece.source)
      position = piece.offset + piece.source.byteCount
    }
    try output.flush()
    isOpen = false
    guard close(descriptor) == 0 else { throw StorageError(.ioFailed, String(cString: strerror(errno)), path: path) }
  }
}
