import ModelGraph
import ModelTensor

/// Each string in another encoding (TensorFlow `UnicodeTranscode`). What is malformed becomes a replacement, or nothing.
public struct UnicodeTranscodeOp: PrimitiveOp {
  public enum Encoding: String, Sendable, AttributeConvertible {
    case utf8 = "UTF-8"
    case utf16 = "UTF-16-BE"
    case utf32 = "UTF-32-BE"
    case utf16Little = "UTF-16-LE"
    case latin1 = "ISO-8859-1"
    case ascii = "US-ASCII"
    public var attributeValue: AttributeValue { .string(rawValue) }

    /// By the names people use for it.
    public init?(named name: String) {
      switch name.uppercased().filter({ $0.isLetter || $0.isNumber }) {
      case "UTF8": self = .utf8
      case "UTF16", "UTF16BE": self = .utf16
      case "UTF32", "UTF32BE": self = .utf32
      case "UTF16LE": self = .utf16Little
      case "LATIN1", "ISO88591": self = .latin1
      case "ASCII", "USASCII": self = .ascii
      default: return nil
      }
    }
  }

  public static let name = "UnicodeTranscode"
  public static let family = OpFamily.text
  public var from: Encoding
  public var to: Encoding
  /// The code point that stands for malformed input; `nil` leaves it out.
  public var replacement: Int?
  /// Whether control characters count as malformed.
  public var replacesControls: Bool
  public init(from: Encoding = .utf8, to: Encoding, replacement: Int? = 0xFFFD, replacesControls: Bool = false) {
    self.from = from
    self.to = to
    self.replacement = replacement
    self.replacesControls = replacesControls
  }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] { [try inputs.required(0, of: self).type] }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    guard x.dtype == .string else { throw noKernel(x.dtype) }
    let substitute = replacement.flatMap { UInt32(exactly: $0) }.flatMap(Unicode.Scalar.init)
    let texts = x.strings.map { bytes -> [UInt8] in
      var result: [UInt8] = []
      for decoded in decode(bytes) {
        let isControl = replacesControls && decoded.map { $0.value < 0x20 } ?? false
        guard let scalar = isControl ? substitute : decoded ?? substitute else { continue }
        encode(scalar, into: &result)
      }
      return result
    }
    return [NDArray(strings: texts, x.shape)]
  }

  /// The code points; `nil` for each malformed sequence.
  private func decode(_ bytes: [UInt8]) -> [Unicode.Scalar?] {
    switch from {
    case .latin1: return bytes.map { Unicode.Scalar($0) }
    case .ascii: return bytes.map { $0 < 0x80 ? Unicode.Scalar($0) : nil }
    case .utf8: return scalars(of: bytes, Unicode.UTF8.self)
    case .utf16, .utf16Little:
      let isLittle = from == .utf16Little
      let units = stride(from: 0, to: bytes.count - 1, by: 2).map { index -> UInt16 in
        let a = UInt16(bytes[index]), b = UInt16(bytes[index + 1])
        return isLittle ? b << 8 | a : a << 8 | b
      }
      return scalars(of: units, Unicode.UTF16.self) + (bytes.count % 2 == 1 ? [nil] : [])
    case .utf32:
      let whole = stride(from: 0, to: bytes.count - 3, by: 4).map { index -> Unicode.Scalar? in
        Unicode.Scalar(bytes[index..<(index + 4)].reduce(UInt32(0)) { $0 << 8 | UInt32($1) })
      }
      return whole + (bytes.count % 4 == 0 ? [] : [nil])
    }
  }

  private func scalars<C: UnicodeCodec>(of units: [C.CodeUnit], _ codec: C.Type) -> [Unicode.Scalar?] {
    var decoder = C(), iterator = units.makeIterator(), result: [Unicode.Scalar?] = []
    while true {
      switch decoder.decode(&iterator) {
      case .scalarValue(let scalar): result.append(scalar)
      case .error: result.append(nil)
      case .emptyInput: return result
      }
    }
  }

  private func encode(_ scalar: Unicode.Scalar, into result: inout [UInt8]) {
    switch to {
    case .utf8: result += Array(String(Character(scalar)).utf8)
    case .utf16, .utf16Little:
      for unit in Character(scalar).utf16 {
        let pair = [UInt8(unit >> 8), UInt8(unit & 0xff)]
        result += to == .utf16Little ? pair.reversed() : pair
      }
    case .utf32: result += (0..<4).map { UInt8(scalar.value >> UInt32(24 - 8 * $0) & 0xff) }
    case .latin1: result.append(scalar.value < 0x100 ? UInt8(scalar.value) : 0x1a)
    case .ascii: result.append(scalar.value < 0x80 ? UInt8(scalar.value) : 0x1a)
    }
  }
}
