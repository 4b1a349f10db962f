import ModelGraph
import ModelTensor

/// What the length of a string is counted in.
public enum StringUnit: String, Sendable, AttributeConvertible {
  case byte = "BYTE"
  case character = "UTF8_CHAR"
  public var attributeValue: AttributeValue { .string(rawValue) }

  /// Where the units of a string begin, and its end. A byte that only continues a character begins none.
  func starts(_ bytes: [UInt8]) -> [Int] {
    self == .byte ? Array(0...bytes.count) : bytes.indices.filter { bytes[$0] & 0xC0 != 0x80 } + [bytes.count]
  }
}

/// The length of each string, as int32 (TensorFlow `StringLength`).
public struct StringLengthOp: PrimitiveOp {
  public static let name = "StringLength"
  public static let family = OpFamily.text
  public var unit: StringUnit
  public init(unit: StringUnit = .byte) { self.unit = unit }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    [TensorType(.int32, try inputs.required(0, of: self).type.shape)]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    guard x.dtype == .string else { throw noKernel(x.dtype) }
    return [NDArray(x.strings.map { Int32(clamping: unit.starts($0).count - 1) }, x.shape)]
  }
}
