import ModelGraph
import ModelTensor

/// Each string without the white space at both ends (TensorFlow `StringStrip`).
public struct StringStripOp: PrimitiveOp {
  public static let name = "StringStrip"
  public static let family = OpFamily.text
  public init() {}
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] { [try inputs.required(0, of: self).type] }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    guard x.dtype == .string else { throw noKernel(x.dtype) }
    let kept = x.strings.map { bytes -> [UInt8] in
      guard let first = bytes.firstIndex(where: { !isSpace($0) }), let last = bytes.lastIndex(where: { !isSpace($0) }) else { return [] }
      return Array(bytes[first...last])
    }
    return [NDArray(strings: kept, x.shape)]
  }
  private func isSpace(_ byte: UInt8) -> Bool { byte == 32 || (9...13).contains(byte) }
}
