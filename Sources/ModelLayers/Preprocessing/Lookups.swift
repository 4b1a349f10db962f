import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// A layer with a vocabulary in its configuration, which is kept whole.
public protocol VocabularyLayer: ConfigurableLayer {
  /// The configuration without what all layers have.
  var settings: JSONValue { get set }
  /// - Throws: `UnsupportedError` for what can't be computed: no words, sparse results, functions.
  func check() throws
}

extension VocabularyLayer {
  public var castsInputs: Bool { false }
  public func mask<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value?] { [nil] }
  /// Keras 3 encodes as integers what Keras 2 encodes in the layer's dtype.
  fileprivate func encodedType<V>(_ call: LayerCall<V>) -> DType {
    settings[Self.generationKey] == nil ? .int64 : call.computeDType.flatMap { $0.isFloatingPoint ? $0 : nil } ?? .float32
  }
  /// A key that no file has: the configuration is one of Keras 2.
  public static var generationKey: String { "$keras2" }
}

/// Words as numbers, or numbers as words (Keras `StringLookup`).
public struct StringLookup: VocabularyLayer {
  public static let className = "StringLookup"
  public var settings: JSONValue = .object([:])
  public init() {}
  public func check() throws { _ = try Vocabulary(settings, isText: true) }
  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    let vocabulary = try Vocabulary(settings, isText: true)
    return [try context.encoded(try context.lookUp(try call.input(), in: vocabulary), by: vocabulary, dtype: encodedType(call))]
  }
}

/// Integers as the numbers of their places in a list, or the other way round (Keras `IntegerLookup`).
public struct IntegerLookup: VocabularyLayer {
  public static let className = "IntegerLookup"
  public var settings: JSONValue = .object([:])
  public init() {}
  public func check() throws { _ = try Vocabulary(settings, isText: false) }
  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    let vocabulary = try Vocabulary(settings, isText: false)
    return [try context.encoded(try context.lookUp(try call.input(), in: vocabulary), by: vocabulary, dtype: encodedType(call))]
  }
}

/// Texts as the numbers of their words (Keras `TextVectorization`).
///
/// One text for each row: a vector, or a matrix of one column.
public struct TextVectorization: VocabularyLayer {
  public static let className = "TextVectorization"
  public var settings: JSONValue = .object([:])
  public init() {}

  private static let punctuation = ##"[!"#$%&()\*\+,-\./:;<=>?@\[\\\]^_`{|}~\']"##

  private func vocabulary() throws -> Vocabulary {
    guard var members = settings.objectValue else { throw UnsupportedError("it has no configuration") }
    members["mask_token"] = .string("")
    members["oov_token"] = .string("[UNK]")
    members["num_oov_indices"] = .int(1)
    return try Vocabulary(.object(members), isText: true)
  }

  private func option(_ key: String, _ known: [String]) throws -> String? {
    guard let value = settings[key], !value.isNull else { return nil }
    guard let word = value.stringValue, known.contains(word) else { throw UnsupportedError("its \(key) is a function") }
    return word
  }

  private var widths: [Int] {
    if let width = settings["ngrams"]?.intValue { return Array(1...max(1, min(width, 64))) }
    return settings["ngrams"]?.vocabularyList?.compactMap(\.intValue).filter { (1...64).contains($0) } ?? []
  }

  public func check() throws {
    let vocabulary = try vocabulary()
    _ = try option("standardize", ["lower", "strip_punctuation", "lower_and_strip_punctuation"])
    let split = try option("split", ["whitespace", "character"])
    guard widths.isEmpty || vocabulary.mode != .int && split != nil else { throw UnsupportedError("it numbers n-grams one by one") }
    let encoding = settings["encoding"]?.stringValue ?? "utf-8"
    guard encoding.lowercased() == "utf-8" else { throw UnsupportedError("its encoding is '\(encoding)'") }
  }

  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    let vocabulary = try vocabulary()
    var x = try call.input()
    let standard = try option("standardize", ["lower", "strip_punctuation", "lower_and_strip_punctuation"]) ?? ""
    if standard.hasPrefix("lower") { x = try context.apply(StringCaseOp(.lower), x) }
    if standard.hasSuffix("strip_punctuation") { x = try context.apply(RegexReplaceOp(pattern: Self.punctuation, rewrite: ""), x) }
    var isWord: C.Value?
    if let split = try option("split", ["whitespace", "character"]) {
      if try context.rank(of: x) > 1 { x = try context.squeeze(x, [-1]) }
      let parts = try context.apply(split == "character" ? CharacterSplitOp() : StringSplitOp() as any Op, to: [x])
      guard parts.count == 2 else { throw GraphError(.invalidStructure, "a text is split into words and their counts") }
      (x, isWord) = try grams(parts[0], counts: parts[1], in: &context)
    }
    var numbers = try context.lookUp(x, in: vocabulary)
    if let isWord {
      // No word has no number: no category counts it.
      let none = try context.scalar(vocabulary.mode == .int ? 0 : -1, dtype: .int64)
      numbers = try context.select(isWord, numbers, none)
    }
    guard vocabulary.mode == .int else {
      return [try context.encoded(numbers, by: vocabulary, dtype: encodedType(call))]
    }
    guard let length = settings["output_sequence_length"]?.intValue, (0...(1 << 24)).contains(length) else { return [numbers] }
    let rank = try context.rank(of: numbers)
    let none = Array(repeating: 0, count: rank)
    let padded = try context.pad(numbers, before: none, after: none.dropLast() + [length])
    return [try context.slice(padded, axis: rank - 1, start: 0, end: length)]
  }

  /// Words `[n, most]`, or runs of them, and which of them there are.
  private func grams<C: OpContext>(_ words: C.Value, counts: C.Value, in context: inout C) throws -> (C.Value, C.Value) {
    let column = try context.unsqueeze(counts, [1])
    let extent = try context.squeeze(try context.dim(of: words, 1), [0])
    let zero = try context.scalar(0, dtype: .int64), one = try context.scalar(1, dtype: .int64)
    let places = try context.apply(RangeOp(), zero, extent, one)
    if widths.isEmpty { return (words, try context.apply(LessOp(), places, column)) }
    var parts: [C.Value] = [], found: [C.Value] = []
    let space = try context.constant(NDArray(strings: [[32]], []))
    for width in widths {
      // What is behind the last word is no word; empty strings stand in for it.
      let after = try context.scalar(Double(width - 1), dtype: .int64)
      var run = words
      for step in stride(from: 1, to: width, by: 1) {
        let shifted = try context.shifted(words, by: step, places, column)
        run = try context.apply(StringConcatOp(), try context.apply(StringConcatOp(), run, space), shifted)
      }
      parts.append(run)
      found.append(try context.apply(LessOp(), try context.add(places, after), column))
    }
    return (try context.concat(parts, axis: 1), try context.concat(found, axis: 1))
  }
}

extension OpContext {
  /// Each row moved to the left; its last word stands for what comes in from the right.
  fileprivate mutating func shifted(_ words: Value, by step: Int, _ places: Value, _ column: Value) throws -> Value {
    let last = try sub(try squeeze(try dim(of: words, 1), [0]), try scalar(1, dtype: .int64))
    let moved = try minimum(try add(places, try scalar(Double(step), dtype: .int64)), try maximum(last, try scalar(0, dtype: .int64)))
    return try gather(words, moved, axis: 1)
  }
}
