import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// Texts and the words, characters and runs of words in them.
let wordRules: [NodeRule] = [
  .writes(StringSplitOp.self) { op, x, w in
    let text = try x.required(0)
    guard let rank = text.type.shape.rank else { throw UnsupportedError("texts of unknown rank are split") }
    let separator = try w.constant(NDArray(strings: [Array((op.delimiter ?? "").utf8)], []))
    let flat = try w.reshape(text, [-1])
    let isByWords = w.dialect == .tensorFlowJS && (op.delimiter ?? "").isEmpty && op.maxSplit == nil
    let parts =
      try isByWords
      ? w.splitWords(flat)
      : w.emit(
        "StringSplitV2", [flat, separator], ["maxsplit": .int(op.maxSplit ?? -1)], types: try SparseStringSplitOp().infer([flat.fact, nil]))
    let none = try w.constant(NDArray(strings: [[]], []))
    var words = try w.emit(
      "SparseToDense", [parts[0], parts[2], parts[1], none], as: TensorType(.string, .ranked([.unknown, .unknown])))
    let rows = try w.reshape(try w.slice(parts[0], axis: 1, start: 0, end: 1), [-1])
    let ones = try w.expand(try w.scalar(1, dtype: .int64), to: try w.shape(of: rows))
    let start = try w.expand(try w.scalar(0, dtype: .int64), to: try w.shape(of: flat))
    var counts = try w.apply(ScatterNDOp(reduction: .add), start, try w.unsqueeze(rows, [1]), ones)
    if rank != 1 {
      let shape = try w.shape(of: text)
      words = try w.reshape(words, to: try w.concat([shape, try w.dim(of: words, 1)], axis: 0))
      counts = try w.reshape(counts, to: shape)
    }
    return [words, counts]
  },
  .writes(CharacterSplitOp.self) { op, x, w in
    let text = try x.required(0)
    guard text.type.shape.rank == 1 else { throw UnsupportedError("texts are split into characters in vectors only") }
    let decoded = try w.apply(UnicodeDecodeOp(), to: [text])
    let total = try w.squeeze(try w.shape(of: decoded[1]), [0]), one = try w.scalar(1, dtype: .int64)
    let places = try w.apply(RangeOp(), try w.scalar(0, dtype: .int64), try w.add(total, one), one)
    let characters = try w.apply(UnicodeEncodeOp(), decoded[1], places)
    let none = try w.constant(NDArray(strings: [[]], []))
    let words = try w.emit(
      "RaggedTensorToTensor", [try w.scalar(-1, dtype: .int64), characters, none, decoded[0]],
      ["row_partition_types": .strings(["ROW_SPLITS"])], as: TensorType(.string, .ranked([.unknown, .unknown])))
    let ends = try w.slice(decoded[0], axis: 0, start: 1, end: Int(Int64.max)), starts = try w.slice(decoded[0], axis: 0, start: 0, end: -1)
    return [words, try w.sub(ends, starts)]
  },
  .rule(
    "UnicodeTranscode", UnicodeTranscodeOp.self,
    read: { n, g in
      let errors = try n.string("errors"), names = (from: try n.string("input_encoding"), to: try n.string("output_encoding"))
      guard let from = UnicodeTranscodeOp.Encoding(named: names.from), let to = UnicodeTranscodeOp.Encoding(named: names.to) else {
        throw UnsupportedError("text of the encoding \(names.from) as \(names.to)")
      }
      // Strictness is a failure of the whole run; nothing in a result tells of it.
      guard errors != "strict" else { throw UnsupportedError("UnicodeTranscode that fails for malformed text") }
      let op = UnicodeTranscodeOp(
        from: from, to: to, replacement: errors == "ignore" ? nil : try n.int("replacement_char"),
        replacesControls: try n.flag("replace_control_characters"))
      return [try g.apply(op, try n.input(0))]
    },
    write: { op, x, w in
      guard [.utf8, .utf16, .utf32].contains(op.to) else {
        throw UnsupportedError("TensorFlow makes no text of the encoding \(op.to.rawValue)")
      }
      return [
        try w.emit(
          "UnicodeTranscode", x.values,
          [
            "input_encoding": .string(op.from.rawValue), "output_encoding": .string(op.to.rawValue),
            "errors": .string(op.replacement == nil ? "ignore" : "replace"), "replacement_char": .int(op.replacement ?? 0xFFFD),
            "replace_control_characters": .bool(op.replacesControls),
          ])
      ]
    }),
  .rule(
    "UnicodeDecode", UnicodeDecodeOp.self,
    read: { n, g in
      guard try n.string("input_encoding").uppercased() == "UTF-8", try n.string("errors") == "replace" else {
        throw UnsupportedError("UnicodeDecode of other than UTF-8 with replacements")
      }
      let results = try g.apply(UnicodeDecodeOp(), to: [try n.input(0)])
      return [try g.cast(results[0], to: try n.dtype("Tsplits")), results[1]]
    },
    write: { op, x, w in
      try w.emit(
        "UnicodeDecode", [try x.required(0)], ["input_encoding": .string("UTF-8"), "Tsplits": try .dtype(.int64)], types: try w.types(op, x)
      )
    }),
  .rule(
    "UnicodeEncode", UnicodeEncodeOp.self,
    read: { n, g in
      guard try n.string("output_encoding").uppercased() == "UTF-8" else { throw UnsupportedError("UnicodeEncode to other than UTF-8") }
      return [try g.apply(UnicodeEncodeOp(), try n.input(0), try n.input(1))]
    },
    write: { op, x, w in [try w.emit("UnicodeEncode", x.values, ["output_encoding": .string("UTF-8")], as: try w.types(op, x)[0])] }),
  .rule(
    "StringNGrams", StringNGramsOp.self,
    read: { n, g in
      let op = StringNGramsOp(
        separator: try n.string("separator"), widths: try n.ints("ngram_widths"), left: try n.string("left_pad"),
        right: try n.string("right_pad"), padWidth: try n.int("pad_width"), keepsShort: try n.flag("preserve_short_sequences"))
      return try g.apply(op, to: [try n.input(0), try n.input(1)])
    },
    write: { op, x, w in
      try w.emit(
        "StringNGrams", x.values,
        [
          "separator": .string(op.separator), "ngram_widths": .ints(op.widths), "left_pad": .string(op.left),
          "right_pad": .string(op.right), "pad_width": .int(op.padWidth), "preserve_short_sequences": .bool(op.keepsShort),
        ], types: try w.types(op, x))
    }),
  .rule(
    "ReduceJoin", StringReduceJoinOp.self, read: { n, g in [try n.joined(in: &g)] },
    write: { op, x, w in
      guard w.dialect == .tensorFlow else { throw UnsupportedError("TensorFlow.js has no op ReduceJoin") }
      let axes = try w.constant(NDArray(op.axes.map { Int32(truncatingIfNeeded: $0) }, [op.axes.count]))
      return [
        try w.emit(
          "ReduceJoin", [try x.required(0), axes], ["keep_dims": .bool(op.keepsDims), "separator": .string(op.separator)],
          as: try w.types(op, x)[0])
      ]
    }),
  .writes(HashCrossOp.self) { op, x, w in
    // Numbers are hashed as they are; beside them, so are hashes of strings.
    let isText = x.values.allSatisfy { $0?.type.dtype == .string }
    let crossed = try w.emit(
      "SparseCross", x.values,
      [
        "N": .int(0), "sparse_types": .types([]), "hashed_output": .bool(true), "num_buckets": .int(op.bucketCount),
        "hash_key": .int(op.key), "out_type": try .dtype(.int64), "internal_type": try .dtype(isText ? .string : .int64),
        "dense_types": .types(x.values.compactMap { $0.flatMap { DataType($0.type.dtype) } }),
      ],
      types: [TensorType(.int64, .ranked([.unknown, 2])), TensorType(.int64, .ranked([.unknown])), TensorType(.int64, [2])])
    return [try w.reshape(crossed[1], to: crossed[2])]
  },
  .reads("SparseCross") { n, g in
    guard try n.int("N") == 0, try n.flag("hashed_output") else {
      throw UnsupportedError("SparseCross of sparse tensors, or without hashes")
    }
    let crossed = try g.apply(HashCrossOp(bucketCount: try n.int("num_buckets"), key: try n.int("hash_key")), to: n.inputs)[0]
    let ones = try g.apply(EqualOp(), crossed, crossed)
    return [
      try g.transpose(try g.apply(NonZeroOp(), ones), [1, 0]), try g.reshape(crossed, [-1]), try g.shape(of: crossed),
    ]
  },
]

extension NodeReader {
  /// Strings of one or several axes, joined one axis after the other; spelled out where the extents are known and small.
  fileprivate func joined(in g: inout GraphContext) throws -> ValueID {
    let separator = try string("separator"), keeps = try flag("keep_dims")
    var x = try input(0)
    let axes = try constantInts(1, in: g)
    guard !axes.isEmpty else { return try g.apply(IdentityOp(), x) }
    let dims = g.type(of: x).shape.dims ?? []
    let extents = axes.map { axis -> Int? in
      let place = axis < 0 ? axis + dims.count : axis
      return dims.indices.contains(place) ? dims[place].value : nil
    }
    guard extents.allSatisfy({ (1...64).contains($0 ?? 0) }) else {
      return try g.apply(StringReduceJoinOp(axes: axes, separator: separator, keepsDims: keeps), x)
    }
    for (axis, extent) in zip(axes, extents) {
      let place = try self.axis(axis, of: x, in: g)
      var result = try g.slice(x, axis: place, start: 0, end: 1)
      for index in 1..<max(1, extent ?? 1) {
        if !separator.isEmpty {
          result = try g.apply(StringConcatOp(), result, try g.constant(NDArray(strings: [Array(separator.utf8)], [])))
        }
        result = try g.apply(StringConcatOp(), result, try g.slice(x, axis: place, start: index, end: index + 1))
      }
      x = result
    }
    guard !keeps else { return x }
    let places = try axes.map { try self.axis($0, of: x, in: g) }
    return try g.squeeze(x, places)
  }
}
