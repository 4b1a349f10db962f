import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

let textRules: [NodeRule] = [
  .rule(
    "StringConcat", StringConcatOp.self, read: { n, g in try g.apply(StringConcatOp(), to: n.inputs) },
    write: { op, x, w in
      try requireStrings("StringConcat", w)
      return [try w.emit("StringConcat", x.values, as: try op.infer(x.values.map { $0?.fact })[0])]
    }),
  .rule(
    "StringSplit", StringSplitOp.self,
    read: { n, g in
      let delimiter = try n.string("delimiter").flatMap { $0.isEmpty ? nil : $0 }
      return try g.apply(StringSplitOp(delimiter: delimiter, maxSplit: try n.int("maxsplit")), to: n.inputs)
    },
    write: { op, x, w in
      try requireStrings("StringSplit", w)
      return try w.emit(
        "StringSplit", x.values, ["delimiter": op.delimiter.map { .string($0) }, "maxsplit": op.maxSplit.map { .int($0) }],
        types: try op.infer(x.values.map { $0?.fact }))
    }),
  .writes(SparseStringSplitOp.self) { op, x, w in
    try requireStrings("StringSplit", w)
    guard !op.splitsAtAny, op.maxSplit != 0, let delimiter = try x.required(1).fact.constant?.array().strings.first else {
      throw UnsupportedError("splitting at any of several characters, or at what is computed")
    }
    let text = String(decoding: delimiter, as: UTF8.self)
    let split = StringSplitOp(delimiter: text.isEmpty ? nil : text, maxSplit: op.maxSplit < 0 ? nil : op.maxSplit)
    let parts = try w.apply(split, to: [try x.required(0)])
    // The parts that are there, row by row: the others fill the matrix up.
    let width = try w.dim(of: parts[0], 1), zero = try w.scalar(0, dtype: .int64), one = try w.scalar(1, dtype: .int64)
    let columns = try w.apply(RangeOp(), zero, try w.squeeze(width, [0]), one)
    let isPart = try w.apply(LessOp(), columns, try w.unsqueeze(parts[1], [1]))
    let places = try w.transpose(try w.apply(NonZeroOp(), isPart), [1, 0])
    return [places, try w.apply(GatherNDOp(), parts[0], places), try w.concat([try w.dim(of: parts[0], 0), width], axis: 0)]
  },
  .writes(StringCaseOp.self) { op, x, w in
    let texts = try x.required(0)
    guard op.isUnicode || op.change == .none else { throw UnsupportedError("ONNX changes the case of all letters, not of ASCII's alone") }
    let change: CaseChange = op.change
    let flat = try w.apply(StringNormalizerOp(caseChange: change, isCaseSensitive: false), try w.reshape(texts, [-1]))
    return [try w.reshape(flat, to: try w.shape(of: texts))]
  },
  .writes(NumberFormatOp.self) { op, x, w in
    guard try x.required(0).type.dtype.isInteger, op.width <= 0, op.fill.isEmpty else {
      throw UnsupportedError("ONNX has no operator for it")
    }
    return [try w.cast(try x.required(0), to: .string)]
  },
  .rule(
    "RegexFullMatch", RegexFullMatchOp.self,
    read: { n, g in
      try g.apply(RegexFullMatchOp(pattern: try n.required(try n.string("pattern"), "pattern")), to: n.inputs)
    },
    write: { op, x, w in
      try requireStrings("RegexFullMatch", w)
      return [try w.emit("RegexFullMatch", x.values, ["pattern": .string(op.pattern)], as: .bool(like: x))]
    }),
  .rule(
    "StringNormalizer", StringNormalizerOp.self,
    read: { n, g in
      let change: CaseChange
      switch try n.string("case_change_action") ?? "NONE" {
      case "NONE": change = .none
      case "LOWER": change = .lower
      case "UPPER": change = .upper
      case let other: throw FormatError(.invalidValue, "StringNormalizer: case_change_action is '\(other)'")
      }
      let op = StringNormalizerOp(
        caseChange: change, isCaseSensitive: try n.flag("is_case_sensitive"), stopwords: try n.strings("stopwords") ?? [],
        locale: try n.string("locale") ?? "en_US")
      return try g.apply(op, to: n.inputs)
    },
    write: { op, x, w in
      [
        try w.emit(
          "StringNormalizer", x.values,
          [
            "case_change_action": .string(op.caseChange.rawValue.uppercased()), "is_case_sensitive": .flag(op.isCaseSensitive),
            "stopwords": op.stopwords.isEmpty ? nil : .strings(op.stopwords), "locale": .string(op.locale),
          ], as: try op.infer(x.values.map { $0?.fact })[0])
      ]
    }),
  .rule(
    "TfIdfVectorizer", TfIdfVectorizerOp.self,
    read: { n, g in
      let mode: TermWeighting
      switch try n.required(try n.string("mode"), "mode") {
      case "TF": mode = .termFrequency
      case "IDF": mode = .inverseDocumentFrequency
      case "TFIDF": mode = .both
      case let other: throw FormatError(.invalidValue, "TfIdfVectorizer: mode is '\(other)'")
      }
      let pool: NDArray
      if let words = try n.byteStrings("pool_strings"), !words.isEmpty {
        pool = NDArray(strings: words, [words.count])
      } else {
        let words = try n.ints("pool_int64s") ?? []
        pool = NDArray(words.map(Int64.init), [words.count])
      }
      let op = TfIdfVectorizerOp(
        mode: mode, minLength: try n.required(try n.int("min_gram_length"), "min_gram_length"),
        maxLength: try n.required(try n.int("max_gram_length"), "max_gram_length"),
        maxSkipCount: try n.required(try n.int("max_skip_count"), "max_skip_count"),
        counts: try n.required(try n.ints("ngram_counts"), "ngram_counts"),
        indices: try n.required(try n.ints("ngram_indexes"), "ngram_indexes"), pool: pool,
        weights: (try n.floats("weights") ?? []).map { Float($0) })
      return try g.apply(op, to: n.inputs)
    },
    write: { op, x, w in
      let modes: [TermWeighting: String] = [.termFrequency: "TF", .inverseDocumentFrequency: "IDF", .both: "TFIDF"]
      let words = op.pool.dtype == .string ? nil : op.pool.integers()
      return [
        try w.emit(
          "TfIdfVectorizer", x.values,
          [
            "mode": .string(modes[op.mode] ?? "TF"), "min_gram_length": .int(op.minLength), "max_gram_length": .int(op.maxLength),
            "max_skip_count": .int(op.maxSkipCount), "ngram_counts": .ints(op.counts), "ngram_indexes": .ints(op.indices),
            "pool_int64s": words.map { .ints($0) },
            "pool_strings": words == nil ? .strings(op.pool.strings.map { String(decoding: $0, as: UTF8.self) }) : nil,
            "weights": op.weights.isEmpty ? nil : .floats(op.weights.map(Double.init)),
          ], as: try op.infer(x.values.map { $0?.fact })[0])
      ]
    }),
]

private func requireStrings(_ type: String, _ w: NodeWriter) throws {
  guard w.opset >= 20 else { throw UnsupportedError("\(type) needs opset 20") }
}
