import ModelGraph
import ModelTensor

/// The parts of each string of a vector between delimiters (runs of white space for an empty one), as a sparse matrix.
///
/// Results: indices `[n, 2]` (int64), the parts `[n]`, the dense shape `[2]` (int64). An empty string between delimiters is a
/// part; `maxSplit` below zero splits everywhere (TensorFlow `StringSplitV2`).
public struct SparseStringSplitOp: PrimitiveOp {
  public static let name = "SparseStringSplit"
  public static let family = OpFamily.text
  public var maxSplit: Int
  /// Whether each byte of the delimiter is one: then none splits off every byte, and empty parts may be left out (TensorFlow
  /// `StringSplit`).
  public var splitsAtAny: Bool
  public var skipsEmpty: Bool
  public init(maxSplit: Int = -1, splitsAtAny: Bool = false, skipsEmpty: Bool = false) {
    self.maxSplit = maxSplit
    self.splitsAtAny = splitsAtAny
    self.skipsEmpty = skipsEmpty
  }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    [TensorType(.int64, .ranked([.unknown, 2])), TensorType(.string, .ranked([.unknown])), TensorType(.int64, [2])]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    guard x.dtype == .string, x.rank == 1, let separator = try inputs.required(1, of: self).strings.first else { throw noKernel(x.dtype) }
    let delimiter = String(validating: separator, as: UTF8.self) ?? ""
    let splitter = StringSplitOp(delimiter: delimiter.isEmpty ? nil : delimiter, maxSplit: maxSplit < 0 ? nil : maxSplit)
    var places: [Int64] = [], parts: [[UInt8]] = [], width = 0
    for (row, text) in x.strings.enumerated() {
      var found = maxSplit == 0 ? [text] : splitter.parts(of: text)
      if found.isEmpty, !delimiter.isEmpty { found = [[]] }
      if splitsAtAny { found = self.parts(of: text, at: separator) }
      width = max(width, found.count)
      for (column, part) in found.enumerated() {
        places += [Int64(row), Int64(column)]
        parts.append(part)
      }
    }
    let shape = NDArray([Int64(x.count), Int64(width)], [2])
    return [NDArray(places, [parts.count, 2]), NDArray(strings: parts, [parts.count]), shape]
  }

  private func parts(of text: [UInt8], at delimiters: [UInt8]) -> [[UInt8]] {
    if delimiters.isEmpty { return text.map { [$0] } }
    if text.isEmpty { return [] }
    return text.split(omittingEmptySubsequences: skipsEmpty) { delimiters.contains($0) }.map(Array.init)
  }
}
