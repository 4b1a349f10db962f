import ModelGraph
import ModelTensor

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Each number as text in C's manner: fixed, scientific or the shorter of both, with a width and what fills it (TensorFlow
/// `AsString`).
public struct NumberFormatOp: PrimitiveOp {
  public static let name = "NumberFormat"
  public static let family = OpFamily.text
  public var precision: Int
  public var isScientific: Bool
  public var isShortest: Bool
  public var width: Int
  public var fill: String
  public init(precision: Int = -1, isScientific: Bool = false, isShortest: Bool = false, width: Int = -1, fill: String = "") {
    self.precision = precision
    self.isScientific = isScientific
    self.isShortest = isShortest
    self.width = width
    self.fill = fill
  }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    [TensorType(.string, try inputs.required(0, of: self).type.shape)]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    if x.dtype == .string { return [x] }
    guard precision <= 400, width <= 4096, fill.isEmpty || [" ", "-", "0", "+"].contains(fill) else {
      throw ExecutionError(.invalidValue, "NumberFormat with the precision \(precision), width \(width) and fill '\(fill)'")
    }
    let texts: [String]
    if x.dtype == .bool {
      texts = x.values(Bool.self).map { padded($0 ? "true" : "false") }
    } else if x.dtype.isFloatingPoint {
      texts = x.doubles().map(formatted)
    } else if x.dtype == .uint64 {
      texts = x.values(UInt64.self).map { padded(String($0)) }
    } else if let values = x.integers() {
      texts = values.map { padded(fill == "+" && $0 >= 0 ? "+\($0)" : String($0)) }
    } else {
      throw noKernel(x.dtype)
    }
    return [NDArray(strings: texts.map { Array($0.utf8) }, x.shape)]
  }

  private func formatted(_ value: Double) -> String {
    let kind = isScientific ? "e" : isShortest ? "g" : "f"
    let format = precision >= 0 ? "%.\(precision)\(kind)" : "%\(kind)"
    var buffer = [CChar](repeating: 0, count: 1024)
    let count = withVaList([value]) { vsnprintf(&buffer, buffer.count, format, $0) }
    let text = String(decoding: buffer.prefix(max(0, min(Int(count), buffer.count - 1))).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return padded(fill == "+" && !text.hasPrefix("-") ? "+" + text : text)
  }

  private func padded(_ text: String) -> String {
    let missing = width - text.utf8.count
    guard missing > 0 else { return text }
    if fill == "-" { return text + String(repeating: " ", count: missing) }
    guard fill == "0" else { return String(repeating: " ", count: missing) + text }
    let sign = text.prefix { $0 == "-" || $0 == "+" }
    return sign + String(repeating: "0", count: missing) + text.dropFirst(sign.count)
  }
}
