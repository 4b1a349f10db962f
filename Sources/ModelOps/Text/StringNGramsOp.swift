import ModelGraph
import ModelTensor

/// Runs of words of each row, joined: all of the first of `widths`, then those of the second (TensorFlow `StringNGrams`).
///
/// Inputs: the words of all rows; where each row begins, and their total behind that. Results: the runs; where each row's begin.
/// `padWidth` words are put before and behind each row, as many as the width less one when it is below zero.
public struct StringNGramsOp: PrimitiveOp {
  public static let name = "StringNGrams"
  public static let family = OpFamily.text
  public var separator: String
  public var widths: [Int]
  public var left: String
  public var right: String
  public var padWidth: Int
  public var keepsShort: Bool
  public init(separator: String, widths: [Int], left: String = "", right: String = "", padWidth: Int = 0, keepsShort: Bool = false) {
    self.separator = separator
    self.widths = widths
    self.left = left
    self.right = right
    self.padWidth = padWidth
    self.keepsShort = keepsShort
  }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    [TensorType(.string, .ranked([.unknown])), try inputs.required(1, of: self).type]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let words = try inputs.required(0, of: self), ends = try inputs.required(1, of: self)
    guard words.dtype == .string, let splits = ends.integers(), widths.allSatisfy({ $0 >= 1 }) else { throw noKernel(words.dtype) }
    let all = words.strings
    var out: [[UInt8]] = [], places: [Int64] = splits.isEmpty ? [] : [0]
    for (start, end) in zip(splits, splits.dropFirst()) {
      guard 0 <= start, start <= end, end <= all.count else {
        throw ExecutionError(.invalidValue, "StringNGrams: a row \(start)..<\(end) of \(all.count) words")
      }
      out += try runs(Array(all[start..<end]), in: context)
      places.append(Int64(out.count))
    }
    let cast = try CastOp(to: ends.dtype).evaluate([NDArray(places, [places.count])], in: context)
    return [NDArray(strings: out, [out.count])] + cast
  }

  private func runs(_ row: [[UInt8]], in context: ExecutionContext) throws -> [[UInt8]] {
    var out: [[UInt8]] = []
    let glue = Array(separator.utf8)
    func padding(_ width: Int) -> Int { max(0, min(padWidth < 0 ? width - 1 : min(padWidth, width - 1), 1 << 16)) }
    func joined(_ list: ArraySlice<[UInt8]>) -> [UInt8] { Array(list.joined(separator: glue)) }
    for width in widths {
      let pad = padding(width)
      let padded = Array(repeating: Array(left.utf8), count: pad) + row + Array(repeating: Array(right.utf8), count: pad)
      guard padded.count >= width else { continue }
      for start in 0...(padded.count - width) { out.append(joined(padded[start..<(start + width)])) }
    }
    if keepsShort, out.isEmpty, !row.isEmpty, let width = widths.first {
      let pad = padding(width)
      out.append(joined((Array(repeating: Array(left.utf8), count: pad) + row + Array(repeating: Array(right.utf8), count: pad))[...]))
    }
    return out
  }
}
