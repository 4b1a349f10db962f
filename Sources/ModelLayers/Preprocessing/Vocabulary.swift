import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// The words of a lookup layer and the numbers they stand for, as Keras's `IndexLookup` lays them out: the mask's number (only where
/// numbers are the result), those of unknown words, then the words.
struct Vocabulary {
  enum Words {
    case texts([String])
    case numbers([Int64])
    var count: Int {
      switch self {
      case .texts(let list): list.count
      case .numbers(let list): list.count
      }
    }
  }
  var words: Words
  var mode: CategoryMode
  var unknownCount: Int
  var isInverted: Bool
  var maskText: String?
  var maskNumber: Int64?
  var unknownText: String
  /// Of `StringHashOp`; empty for none.
  var key: [Int]
  /// Numbers are hashed as text, not divided.
  var hashesNumbers: Bool
  /// Of every number, in the mode `tf_idf`.
  var weights: [Double]?
  private var paddedDepth: Int?

  private var hasMask: Bool { maskText != nil || maskNumber != nil }
  var unknownStart: Int { hasMask && mode == .int ? 1 : 0 }
  var wordStart: Int { unknownStart + unknownCount }
  var depth: Int { paddedDepth ?? wordStart + words.count }

  /// - Throws: `UnsupportedError` for a vocabulary that is not in the configuration.
  init(_ settings: JSONValue, isText: Bool) throws {
    let word = settings["output_mode"]?.stringValue ?? "int", isWeighted = word == "tf_idf" || word == "tf-idf"
    guard let mode = isWeighted ? .count : word == "binary" ? .multiHot : CategoryMode(rawValue: word) else {
      throw UnsupportedError("the output mode '\(word)' is not known")
    }
    guard settings["sparse"]?.boolValue != true, settings["ragged"]?.boolValue != true else {
      throw UnsupportedError("its result is sparse or ragged")
    }
    self.mode = mode
    isInverted = settings["invert"]?.boolValue ?? false
    unknownCount = settings["num_oov_indices"]?.intValue ?? 1
    guard (0...(1 << 20)).contains(unknownCount) else { throw UnsupportedError("it has \(unknownCount) numbers for unknown words") }
    key = []
    if let salt = settings["salt"]?.intValue { key = [salt, salt] }
    if let salt = settings["salt"]?.vocabularyList { key = salt.compactMap(\.intValue) }
    hashesNumbers = settings["oov_method"]?.stringValue == "farmhash"
    maskText = isText ? settings["mask_token"]?.stringValue : nil
    maskNumber = isText ? nil : settings["mask_token"]?.intValue.map { Int64($0) }
    unknownText = settings["oov_token"]?.stringValue ?? "[UNK]"
    guard let listed = settings["vocabulary"]?.vocabularyList, !listed.isEmpty else {
      throw UnsupportedError("its vocabulary is not in the file")
    }
    // The special words may stand in front of the list.
    let start = (isText ? maskText != nil : maskNumber != nil) && mode == .int ? 1 : 0, special = start + unknownCount
    if isText {
      let texts = listed.compactMap(\.stringValue)
      guard texts.count == listed.count else { throw UnsupportedError("its vocabulary holds other things than words") }
      let front = Array(repeating: maskText ?? "", count: start) + Array(repeating: unknownText, count: unknownCount)
      words = .texts(Array(texts.starts(with: front) ? texts[special...] : texts[...]))
    } else {
      let numbers = listed.compactMap { $0.intValue ?? $0.stringValue.flatMap { Int($0) } }.map { Int64($0) }
      guard numbers.count == listed.count else { throw UnsupportedError("its vocabulary holds other things than integers") }
      let unknown = settings["oov_token"]?.intValue.map { Int64($0) } ?? -1
      let front = Array(repeating: maskNumber ?? 0, count: start) + Array(repeating: unknown, count: unknownCount)
      words = .numbers(Array(numbers.starts(with: front) ? numbers[special...] : numbers[...]))
    }
    if settings["pad_to_max_tokens"]?.boolValue == true { paddedDepth = settings["max_tokens"]?.intValue }
    guard (paddedDepth ?? 1) >= 1, (paddedDepth ?? 1) <= 1 << 26 else { throw UnsupportedError("it pads to a negative count") }
    if isWeighted {
      guard let listed = settings["idf_weights"]?.vocabularyList else { throw UnsupportedError("its idf weights are not in the file") }
      var weights = listed.compactMap(\.doubleValue)
      // Weights of the words alone: the special ones get the mean.
      if weights.count == words.count, weights.count < wordStart + words.count, !weights.isEmpty {
        let mean = weights.reduce(0, +) / Double(weights.count)
        weights = Array(repeating: mean, count: wordStart) + weights
      }
      guard weights.count <= depth else { throw UnsupportedError("it has \(weights.count) idf weights for \(depth) words") }
      self.weights = weights + Array(repeating: 0, count: depth - weights.count)
    }
  }

  /// The words and their numbers.
  var table: (words: NDArray, numbers: NDArray) {
    let numbers = NDArray((0..<words.count).map { Int64(wordStart + $0) }, [words.count])
    switch words {
    case .texts(let list): return (NDArray(strings: list.map { Array($0.utf8) }, [list.count]), numbers)
    case .numbers(let list): return (NDArray(list, [list.count]), numbers)
    }
  }
}

extension OpContext {
  /// The numbers of words, or the words of numbers.
  mutating func lookUp(_ x: Value, in vocabulary: Vocabulary) throws -> Value {
    let (words, numbers) = vocabulary.table
    func single(_ text: String) -> NDArray { NDArray(strings: [Array(text.utf8)], []) }
    let isText = words.dtype == .string
    let mask = isText ? vocabulary.maskText.map(single) : vocabulary.maskNumber.map { NDArray(scalar: $0) }
    if vocabulary.isInverted {
      let x = try cast(x, to: .int64)
      let unknown = isText ? single(vocabulary.unknownText) : NDArray(scalar: Int64(-1))
      // The mask is the word of zero.
      let masked = mask.map { (numbers.appending(NDArray(scalar: Int64(0))), words.appending($0)) } ?? (numbers, words)
      return try apply(LabelEncoderOp(keys: masked.0, values: masked.1, defaultValue: unknown), x)
    }
    let x = isText ? x : try cast(x, to: .int64)
    let isHashed = vocabulary.unknownCount > 1
    let other = vocabulary.unknownCount == 1 ? Int64(vocabulary.unknownStart) : -1
    let masked = mask.map { (words.appending($0), numbers.appending(NDArray(scalar: Int64(0)))) } ?? (words, numbers)
    let found = try apply(LabelEncoderOp(keys: masked.0, values: masked.1, defaultValue: NDArray(scalar: other)), x)
    guard isHashed else { return found }
    let count = try scalar(Double(vocabulary.unknownCount), dtype: .int64)
    var bucket: Value
    if isText || vocabulary.hashesNumbers {
      bucket = try apply(
        StringHashOp(bucketCount: vocabulary.unknownCount, key: vocabulary.key), isText ? x : try apply(NumberFormatOp(), x))
    } else {
      bucket = try apply(ModOp(), x, count)
    }
    bucket = try add(bucket, try scalar(Double(vocabulary.unknownStart), dtype: .int64))
    return try select(try apply(EqualOp(), found, try scalar(-1, dtype: .int64)), bucket, found)
  }

  /// Numbers as the mode gives them; `weights` for the sums of inverse document frequencies.
  mutating func encoded(_ numbers: Value, by vocabulary: Vocabulary, dtype: DType) throws -> Value {
    if vocabulary.mode == .int || vocabulary.isInverted { return numbers }
    let hot = try encoded(numbers, vocabulary.mode, depth: vocabulary.depth, dtype: dtype, weights: nil)
    guard let weights = vocabulary.weights else { return hot }
    return try mul(try cast(hot, to: .float32), try constant(NDArray(weights.map { Float($0) }, [weights.count])))
  }
}

extension JSONValue {
  /// A list, or the elements of an array or a tuple that Keras serialised.
  var vocabularyList: [JSONValue]? { arrayValue ?? self["config"]?["value"]?.arrayValue ?? self["items"]?.arrayValue }
}

extension NDArray {
  /// A vector of strings or int64 and one more element.
  fileprivate func appending(_ other: NDArray) -> NDArray {
    if dtype == .string { return NDArray(strings: strings + other.strings, [count + other.count]) }
    return NDArray(values(Int64.self) + other.values(Int64.self), [count + other.count])
  }
}
