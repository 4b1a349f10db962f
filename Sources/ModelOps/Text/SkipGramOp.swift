import ModelGraph
import ModelTensor

/// The n-grams of a sentence's words, with up to `maxSkip` words left out between neighbours (LiteRT's `SKIP_GRAM`).
///
/// Input: a string tensor, of which the first element counts; words stand between white space. Result: a string vector, words
/// joined by spaces; with `includesShorter` n-grams of all sizes up to `size`.
public struct SkipGramOp: PrimitiveOp {
  public static let name = "SkipGram"
  public static let family = OpFamily.text
  public var size: Int
  public var maxSkip: Int
  public var includesShorter: Bool
  public init(size: Int, maxSkip: Int = 0, includesShorter: Bool = false) {
    self.size = size
    self.maxSkip = maxSkip
    self.includesShorter = includesShorter
  }
  /// What one sentence may give.
  private static let limit = 1 << 20

  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    _ = try inputs.required(0, of: self)
    return [TensorType(.string, .ranked([.unknown]))]
  }

  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    guard x.dtype == .string else { throw noKernel(x.dtype) }
    guard size > 0, size <= 64, maxSkip >= 0 else { throw ExecutionError(.invalidValue, "SkipGram of \(size) words, \(maxSkip) left out") }
    let words = Self.words(x.strings.first ?? [])
    var grams: [[UInt8]] = []
    // What begins with the words so far: longer ones before the n-gram itself, as they are found.
    func extend(_ gram: [Int]) throws {
      if gram.count < size, let last = gram.last {
        for next in (last + 1)..<max(last + 1, min(words.count, last + 2 + min(maxSkip, words.count))) { try extend(gram + [next]) }
      }
      guard gram.count == size || includesShorter else { return }
      guard grams.count < Self.limit else { throw ExecutionError(.limitExceeded, "SkipGram of more than \(Self.limit) results") }
      grams.append(Array(gram.map { words[$0] }.joined(separator: [0x20])))
    }
    if words.count >= size { for first in words.indices { try extend([first]) } }
    return [NDArray(strings: grams, [grams.count])]
  }

  /// As LiteRT cuts them: of white space in front one character belongs to the first word.
  private static func words(_ text: [UInt8]) -> [[UInt8]] {
    func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
    var words: [[UInt8]] = [], start = 0
    for index in text.indices.dropFirst() where isSpace(text[index]) {
      if index > start, !isSpace(text[start]) { words.append(Array(text[start..<index])) }
      start = index + 1
    }
    if text.count > start { words.append(Array(text[start...])) }
    return words
  }
}
