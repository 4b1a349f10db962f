/// Bytes as text, in the alphabets of RFC 4648.
public enum Base64 {
  /// - Throws: `FormatError` for a sign outside the alphabets, or an impossible length.
  public static func decode(_ text: some Sequence<UInt8>) throws -> [UInt8] {
    var result: [UInt8] = [], bits: UInt32 = 0, count = 0
    for byte in text {
      let value: UInt8
      switch byte {
      case UInt8(ascii: "A")...UInt8(ascii: "Z"): value = byte - UInt8(ascii: "A")
      case UInt8(ascii: "a")...UInt8(ascii: "z"): value = byte - UInt8(ascii: "a") + 26
      case UInt8(ascii: "0")...UInt8(ascii: "9"): value = byte - UInt8(ascii: "0") + 52
      case UInt8(ascii: "+"), UInt8(ascii: "-"): value = 62
      case UInt8(ascii: "/"), UInt8(ascii: "_"): value = 63
      case UInt8(ascii: "="), 0x0A, 0x0D, 0x20, 0x09: continue
      default: throw FormatError(.invalidValue, "expected base64, found the byte \(byte)")
      }
      bits = bits << 6 | UInt32(value)
      count += 6
      if count >= 8 {
        count -= 8
        result.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
      }
    }
    guard count < 6 else { throw FormatError(.truncated, "expected base64, found a lone sign at its end") }
    return result
  }

  /// The bytes of a `data:` URL; those without `;base64` stand for themselves, per cent signs apart.
  public static func decode(url: String) throws -> [UInt8] {
    let bytes = Array(url.utf8)
    guard let comma = bytes.firstIndex(of: UInt8(ascii: ",")) else {
      throw FormatError(.invalidStructure, "expected a comma in a data URL, found none")
    }
    let head = String(decoding: bytes[..<comma], as: UTF8.self)
    guard head.hasSuffix(";base64") else {
      throw FormatError(.invalidValue, "expected a data URL in base64, found '\(head.prefix(60))'")
    }
    return try decode(bytes[(comma + 1)...])
  }

  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  public static func encode(_ bytes: [UInt8]) -> String {
    var result: [UInt8] = []
    result.reserveCapacity((bytes.count + 2) / 3 * 4)
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let group = bytes[start..<min(start + 3, bytes.count)]
      var bits: UInt32 = 0
      for index in 0..<3 { bits = bits << 8 | UInt32(start + index < bytes.count ? bytes[start + index] : 0) }
      for index in 0..<4 {
        result.append(index <= group.count ? alphabet[Int(bits >> UInt32(18 - 6 * index)) & 63] : UInt8(ascii: "="))
      }
    }
    return String(decoding: result, as: UTF8.self)
  }
}
