import ModelSupport
import ModelTensor

/// The head of a `.npy` file: magic, version, and a Python dictionary that says type, order and shape.
public struct NumPyHeader: Sendable, Hashable {
  /// The element type as numpy spells it: `<f4`, `|b1`, `>i8`, `|S5`, `<U3`.
  public var descriptor: String
  /// Whether the first axis varies fastest.
  public var isFortranOrder: Bool
  public var shape: [Int]
  /// Where the elements begin.
  public var dataOffset: Int

  static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)
  /// Longer heads are refused; numpy itself stops at 10,000 characters.
  static let limit = 1 << 20

  /// - Throws: `FormatError` for what is no `.npy` file, or a damaged one.
  init(reading source: any ByteSource) throws {
    var head: [UInt8] = []
    try source.withBytes(in: 0..<min(12, source.byteCount)) { head = [UInt8]($0) }
    guard head.starts(with: Self.magic) else {
      throw FormatError(.unrecognized, "expected a .npy file, found no NumPy signature")
    }
    guard head.count >= 10 else { throw FormatError(.truncated, "the head ends after \(head.count) bytes") }
    let start: Int, length: Int
    switch head[6] {
    case 1: (start, length) = (10, Int(head[8]) | Int(head[9]) << 8)
    case 2, 3:
      guard head.count == 12 else { throw FormatError(.truncated, "the head ends after \(head.count) bytes") }
      (start, length) = (12, Int(head[8]) | Int(head[9]) << 8 | Int(head[10]) << 16 | Int(head[11]) << 24)
    default: throw FormatError(.invalidValue, "expected version 1, 2 or 3, found \(head[6])")
    }
    guard length <= Self.limit else { throw FormatError(.limitExceeded, "a head of \(length) bytes") }
    guard length <= source.byteCount - start else {
      throw FormatError(.truncated, "expected a head of \(length) bytes, the file has \(source.byteCount)")
    }
    var text: [UInt8] = []
    try source.withBytes(in: start..<(start + length)) { text = [UInt8]($0) }
    var parser = PythonLiteral(text, offset: start)
    let members = try parser.dictionary()
    guard case .string(let descriptor)? = members["descr"] else {
      if case .list? = members["descr"] { throw FormatError(.invalidValue, "arrays of records are not read") }
      throw FormatError(.missingReference, "the head says no 'descr'")
    }
    guard case .bool(let fortran)? = members["fortran_order"], case .list(let extents)? = members["shape"] else {
      throw FormatError(.missingReference, "the head says no 'fortran_order' or 'shape'")
    }
    self.descriptor = descriptor
    isFortranOrder = fortran
    shape = try extents.map { extent in
      guard case .int(let value) = extent, value >= 0 else { throw FormatError(.invalidValue, "an extent is \(extent)") }
      return value
    }
    guard shape.count <= 64 else { throw FormatError(.limitExceeded, "a rank of \(shape.count)") }
    dataOffset = start + length
  }

  init(descriptor: String, shape: [Int]) {
    self.descriptor = descriptor
    self.shape = shape
    isFortranOrder = false
    dataOffset = 0
  }

  /// The head as numpy writes it: version 1, padded so that the elements begin at a multiple of 64.
  func bytes() -> [UInt8] {
    let extents = shape.count == 1 ? "(\(shape[0]),)" : "(" + shape.map(String.init).joined(separator: ", ") + ")"
    var text = Array("{'descr': '\(descriptor)', 'fortran_order': False, 'shape': \(extents), }".utf8)
    let padding = (64 - (10 + text.count + 1) % 64) % 64
    text += [UInt8](repeating: UInt8(ascii: " "), count: padding) + [UInt8(ascii: "\n")]
    return Self.magic + [1, 0, UInt8(text.count & 0xFF), UInt8(text.count >> 8 & 0xFF)] + text
  }
}
