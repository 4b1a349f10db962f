import ModelGraph
import ModelTensor

/// The parts of each string between delimiters (runs of white space when there is none), at most `maxSplit`
/// times split.
///
/// Results: the parts, padded with empty strings along a new last axis; how many there are (int64).
public struct StringSplitOp: PrimitiveOp {
  public static let name = "StringSplit"
  public static let family = OpFamily.text
  public var delimiter: String?
  public var maxSplit: Int?
  public init(delimiter: String? = nil, maxSplit: Int? = nil) {
    self.delimiter = delimiter
    self.maxSplit = maxSplit
  }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self).type
    guard let dims = x.shape.dims else { return [TensorType(.string, .unranked), TensorType(.int64, .unranked)] }
    return [TensorType(.string, .ranked(dims + [.unknown])), TensorType(.int64, .ranked(dims))]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    guard x.dtype == .string else { throw noKernel(x.dtype) }
    let parts = x.strings.map(self.parts)
    let width = parts.map(\.count).max() ?? 0
    guard let total = checkedProduct(x.shape + [width]), total <= 1 << 28 else {
      throw ExecutionError(.limitExceeded, "StringSplit of \(x.type) into \(width) parts")
    }
    var out: [[UInt8]] = []
    out.reserveCapacity(total)
    for list in parts { out += list + Array(repeating: [], count: width - list.count) }
    return [NDArray(strings: out, x.shape + [width]), NDArray(parts.map { Int64($0.count) }, x.shape)]
  }

  /// The parts of one string.
  func parts(of text: [UInt8]) -> [[UInt8]] {
    let separator = Array((delimiter ?? "").utf8), limit = maxSplit ?? Int.max
    return separator.isEmpty ? splitWhiteSpace(text, limit) : split(text, separator, limit)
  }

  private func split(_ text: [UInt8], _ separator: [UInt8], _ limit: Int) -> [[UInt8]] {
    if text.isEmpty { return [] }
    var result: [[UInt8]] = [], start = 0, i = 0
    while i + separator.count <= text.count {
      if result.count < limit, text[i..<(i + separator.count)].elementsEqual(separator) {
        result.append(Array(text[start..<i]))
        i += separator.count
        start = i
      } else {
        i += 1
      }
    }
    return result + [Array(text[start...])]
  }

  /// As Python's `split()`: leading and trailing white space goes, but after the last allowed split only the
  /// leading one.
  private func splitWhiteSpace(_ text: [UInt8], _ limit: Int) -> [[UInt8]] {
    func isSpace(_ byte: UInt8) -> Bool { byte == 32 || (9...13).contains(byte) }
    var result: [[UInt8]] = [], i = 0
    while true {
      while i < text.count, isSpace(text[i]) { i += 1 }
      if i == text.count { return result }
      if result.count == limit {
        var end = text.count
        while end > i, isSpace(text[end - 1]) { end -= 1 }
        return result + [Array(text[i..<end])]
      }
      let start = i
      while i < text.count, !isSpace(text[i]) { i += 1 }
      result.append(Array(text[start..<i]))
    }
  }
}
