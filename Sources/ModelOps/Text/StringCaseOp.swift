import ModelGraph
import ModelTensor

/// Each string in lower or upper case: of ASCII letters only, or as Unicode maps them (TensorFlow `StringLower`, `StringUpper`).
public struct StringCaseOp: PrimitiveOp {
  public static let name = "StringCase"
  public static let family = OpFamily.text
  public var change: CaseChange
  public var isUnicode: Bool
  public init(_ change: CaseChange, isUnicode: Bool = false) {
    self.change = change
    self.isUnicode = isUnicode
  }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] { [try inputs.required(0, of: self).type] }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    guard x.dtype == .string else { throw noKernel(x.dtype) }
    let changed = x.strings.map { bytes -> [UInt8] in
      if change == .none { return bytes }
      if isUnicode {
        let text = String(decoding: bytes, as: UTF8.self)
        return Array((change == .lower ? text.lowercased() : text.uppercased()).utf8)
      }
      return bytes.map { byte in
        if change == .lower { return (65...90).contains(byte) ? byte + 32 : byte }
        return (97...122).contains(byte) ? byte - 32 : byte
      }
    }
    return [NDArray(strings: changed, x.shape)]
  }
}
