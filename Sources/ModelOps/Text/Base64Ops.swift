import ModelGraph
import ModelTensor

private let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

/// Each string in web-safe Base64 (TensorFlow `EncodeBase64`).
public struct EncodeBase64Op: PrimitiveOp {
  public static let name = "EncodeBase64"
  public static let family = OpFamily.text
  public var isPadded: Bool
  public init(isPadded: Bool = false) { self.isPadded = isPadded }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] { [try inputs.required(0, of: self).type] }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    guard x.dtype == .string else { throw noKernel(x.dtype) }
    return [NDArray(strings: x.strings.map(encoded), x.shape)]
  }
  private func encoded(_ bytes: [UInt8]) -> [UInt8] {
    var out: [UInt8] = []
    for at in stride(from: 0, to: bytes.count, by: 3) {
      let part = bytes[at..<min(at + 3, bytes.count)]
      let bits = part.enumerated().reduce(0) { $0 | Int($1.element) << (16 - 8 * $1.offset) }
      for place in 0...part.count { out.append(alphabet[bits >> (18 - 6 * place) & 63]) }
      if isPadded { out += Array(repeating: 61, count: 3 - part.count) }
    }
    return out
  }
}

/// The bytes that web-safe Base64, padded or not, stands for (TensorFlow `DecodeBase64`).
public struct DecodeBase64Op: PrimitiveOp {
  public static let name = "DecodeBase64"
  public static let family = OpFamily.text
  public init() {}
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] { [try inputs.required(0, of: self).type] }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    guard x.dtype == .string else { throw noKernel(x.dtype) }
    return [NDArray(strings: try x.strings.map(decoded), x.shape)]
  }
  private func decoded(_ text: [UInt8]) throws -> [UInt8] {
    var out: [UInt8] = [], bits: UInt32 = 0, count = 0
    let body = text.reversed().drop { $0 == 61 }.reversed()
    guard body.count % 4 != 1 else { throw ExecutionError(.invalidValue, "DecodeBase64: the length \(text.count) can't be") }
    for byte in body {
      guard let value = alphabet.firstIndex(of: byte) else {
        throw ExecutionError(.invalidValue, "DecodeBase64: the byte \(byte) stands for nothing")
      }
      bits = bits << 6 | UInt32(value)
      count += 6
      if count >= 8 {
        count -= 8
        out.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
      }
    }
    return out
  }
}
