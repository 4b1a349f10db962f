import ModelSupport

/// A tensor of a file: a type, and where its bytes come from. Asking for the type does no I/O.
///
/// The bytes are little-endian, row-major, and packed for types under eight bits (low bits first).
/// String tensors hold their elements in a `StringSource`.
public struct Tensor: Sendable {
  public let type: TensorType
  public let source: any ByteSource
  /// - Precondition: none; `validate()` tells whether the bytes fit the type.
  public init(_ type: TensorType, source: any ByteSource) {
    self.type = type
    self.source = source
  }

  public var dtype: DType { type.dtype }
  /// All extents; a tensor of a file always has them.
  public var extents: [Int] { type.shape.extents ?? [] }
  public var elementCount: Int { type.shape.elementCount ?? 0 }

  /// Throws unless the source has just the bytes that the type says.
  public func validate() throws {
    guard let count = type.shape.elementCount else {
      throw FormatError(.invalidValue, "a stored tensor has the shape \(type.shape)")
    }
    if dtype == .string {
      guard let strings = source as? StringSource, strings.strings.count == count else {
        throw FormatError(.sizeMismatch, "a string tensor of shape \(type.shape) does not hold \(count) strings")
      }
      return
    }
    if dtype == .variant, source is ArraySource { return }
    guard let expected = dtype.byteCount(of: count) else {
      throw FormatError(.limitExceeded, "a tensor of type \(type) can't be stored")
    }
    guard expected == source.byteCount else {
      throw FormatError(
        .sizeMismatch, "a tensor of type \(type) takes \(expected) bytes, found \(source.byteCount)")
    }
  }
}

/// The elements of a string tensor: byte strings, not necessarily UTF-8.
public final class StringSource: ByteSource {
  public let strings: [[UInt8]]
  public init(_ strings: [[UInt8]]) { self.strings = strings }
  public var byteCount: Int { strings.reduce(0) { $0 + $1.count } }
  public func withBytes(in range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
    try check(range)
    let joined = [UInt8](strings.joined())
    try joined.withUnsafeBytes { try body(UnsafeRawBufferPointer(rebasing: $0[range])) }
  }
}
