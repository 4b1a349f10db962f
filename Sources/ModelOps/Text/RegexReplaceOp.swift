import ModelGraph
import ModelTensor

/// Each string with what matches a pattern in RE2's syntax replaced: all places from left to right, or the first only.
///
/// In `rewrite`, `\\1` to `\\9` stand for groups, `\\0` for the whole match and a doubled backslash for one (TensorFlow `RegexReplace`).
public struct RegexReplaceOp: PrimitiveOp {
  public static let name = "RegexReplace"
  public static let family = OpFamily.text
  public var pattern: String
  public var rewrite: String
  public var replacesAll: Bool
  public init(pattern: String, rewrite: String, replacesAll: Bool = true) {
    self.pattern = pattern
    self.rewrite = rewrite
    self.replacesAll = replacesAll
  }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] { [try inputs.required(0, of: self).type] }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    guard x.dtype == .string else { throw noKernel(x.dtype) }
    let expression: RegularExpression
    do { expression = try RegularExpression(pattern) } catch let failure as RegularExpression.Failure {
      throw ExecutionError(.invalidValue, "RegexReplace: the pattern \"\(pattern)\" has \(failure.message)")
    }
    return [NDArray(strings: x.strings.map { replaced($0, expression) }, x.shape)]
  }

  private func replaced(_ bytes: [UInt8], _ expression: RegularExpression) -> [UInt8] {
    // What is no UTF-8 is taken byte by byte.
    let valid = String(validating: bytes, as: UTF8.self)
    let text = valid.map { $0.unicodeScalars.map(\.value) } ?? bytes.map(UInt32.init)
    func append(_ range: Range<Int>, _ out: inout [UInt8]) {
      for value in text[range] {
        if valid == nil {
          out.append(UInt8(truncatingIfNeeded: value))
        } else if let scalar = Unicode.Scalar(value) {
          out += Array(String(Character(scalar)).utf8)
        }
      }
    }
    var out: [UInt8] = [], position = 0, lastEnd = -1
    while position <= text.count {
      guard let groups = expression.firstMatch(text, from: position), let whole = groups[0] else { break }
      append(position..<whole.lowerBound, &out)
      position = whole.lowerBound
      if whole.isEmpty, whole.lowerBound == lastEnd {
        // No empty match right behind another: one character on.
        if position < text.count { append(position..<(position + 1), &out) }
        position += 1
        continue
      }
      var escaped = false
      for byte in rewrite.utf8 {
        if escaped {
          escaped = false
          if byte == 92 { out.append(92) }
          if (48...57).contains(byte), Int(byte) - 48 < groups.count, let group = groups[Int(byte) - 48] { append(group, &out) }
        } else if byte == 92 {
          escaped = true
        } else {
          out.append(byte)
        }
      }
      position = whole.upperBound
      lastEnd = whole.upperBound
      if !replacesAll { break }
    }
    if position < text.count { append(position..<text.count, &out) }
    return out
  }
}
