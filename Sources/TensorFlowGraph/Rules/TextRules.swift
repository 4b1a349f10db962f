import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

let textRules: [NodeRule] = [
  .writes(StringCaseOp.self) { op, x, w in
    let encoding: AttrValue = .string(op.isUnicode ? "utf-8" : "")
    if w.dialect == .tensorFlowJS, op.change != .none { return [try w.changed(op, try x.required(0))] }
    switch op.change {
    case .none: return [try w.emit("Identity", x.values)]
    case .lower: return [try w.emit("StringLower", x.values, ["encoding": encoding])]
    case .upper: return [try w.emit("StringUpper", x.values, ["encoding": encoding])]
    }
  },
  .reads("StringLower") { n, g in
    [try g.apply(StringCaseOp(.lower, isUnicode: try n.string("encoding").lowercased() == "utf-8"), try n.input(0))]
  },
  .reads("StringUpper") { n, g in
    [try g.apply(StringCaseOp(.upper, isUnicode: try n.string("encoding").lowercased() == "utf-8"), try n.input(0))]
  },
  .same("StringStrip", StringStripOp()),
  .rule(
    "StringLength", StringLengthOp.self, read: { n, g in [try g.apply(StringLengthOp(unit: try n.unit()), try n.input(0))] },
    write: { op, x, w in
      let text = try x.required(0)
      return [try w.emit("StringLength", [text], ["unit": .string(op.unit.rawValue)], as: TensorType(.int32, text.type.shape))]
    }),
  .rule(
    "Substr", SubstringOp.self,
    read: { n, g in [try g.apply(SubstringOp(unit: try n.unit()), try n.input(0), try n.input(1), try n.input(2))] },
    write: { op, x, w in
      let dtype = try x.required(1).type.dtype, length = try w.cast(try x.required(2), to: dtype)
      return [
        try w.emit(
          "Substr", [try x.required(0), try x.required(1), length], ["unit": .string(op.unit.rawValue)], as: try w.types(op, x)[0])
      ]
    }),
  .reads("StringJoin") { n, g in
    let separator = try n.string("separator")
    guard var result = n.inputs.first else { throw FormatError(.missingReference, "StringJoin of nothing") }
    for part in n.inputs.dropFirst() {
      if !separator.isEmpty {
        result = try g.apply(StringConcatOp(), result, try g.constant(NDArray(strings: [Array(separator.utf8)], [])))
      }
      result = try g.apply(StringConcatOp(), result, part)
    }
    return [n.inputs.count == 1 ? try g.apply(IdentityOp(), result) : result]
  },
  .writes(StringConcatOp.self) { op, x, w in [try w.emit("Add", x.values, as: try w.types(op, x)[0])] },
  .rule(
    "StringSplitV2", SparseStringSplitOp.self,
    read: { n, g in
      try g.apply(SparseStringSplitOp(maxSplit: try n.int("maxsplit")), to: [try n.input(0), try n.input(1)])
    },
    write: { op, x, w in
      if op.splitsAtAny { return try w.emit("StringSplit", x.values, ["skip_empty": .bool(op.skipsEmpty)], types: try w.types(op, x)) }
      // TensorFlow.js splits at single characters; white space is some of them.
      if w.dialect == .tensorFlowJS, op.maxSplit < 0, try x.required(1).fact.constant?.array().strings.first?.isEmpty == true {
        return try w.splitWords(try x.required(0))
      }
      return try w.emit("StringSplitV2", x.values, ["maxsplit": .int(op.maxSplit)], types: try w.types(op, x))
    }),
  .reads("StringSplit") { n, g in
    let op = SparseStringSplitOp(splitsAtAny: true, skipsEmpty: try n.flag("skip_empty"))
    return try g.apply(op, to: [try n.input(0), try n.input(1)])
  },
  .rule(
    "StaticRegexReplace", RegexReplaceOp.self,
    read: { n, g in
      let op = RegexReplaceOp(
        pattern: try n.string("pattern"), rewrite: try n.string("rewrite"), replacesAll: try n.flag("replace_global"))
      return [try g.apply(op, try n.input(0))]
    },
    write: { op, x, w in
      [
        try w.emit(
          "StaticRegexReplace", x.values,
          ["pattern": .string(op.pattern), "rewrite": .string(op.rewrite), "replace_global": .bool(op.replacesAll)])
      ]
    }),
  .reads("RegexReplace") { n, g in
    let op = RegexReplaceOp(
      pattern: try n.constantText(1, in: g), rewrite: try n.constantText(2, in: g), replacesAll: try n.flag("replace_global"))
    return [try g.apply(op, try n.input(0))]
  },
  .rule(
    "StaticRegexFullMatch", RegexFullMatchOp.self,
    read: { n, g in [try g.apply(RegexFullMatchOp(pattern: try n.string("pattern")), try n.input(0))] },
    write: { op, x, w in
      [try w.emit("StaticRegexFullMatch", x.values, ["pattern": .string(op.pattern)], as: try w.types(op, x)[0])]
    }),
  .reads("RegexFullMatch") { n, g in [try g.apply(RegexFullMatchOp(pattern: try n.constantText(1, in: g)), try n.input(0))] },
  .reads("StringToNumber") { n, g in [try g.cast(try n.input(0), to: try n.dtype("out_type"))] },
  .rule(
    "AsString", NumberFormatOp.self,
    read: { n, g in
      let op = NumberFormatOp(
        precision: try n.int("precision"), isScientific: try n.flag("scientific"), isShortest: try n.flag("shortest"),
        width: try n.int("width"), fill: try n.string("fill"))
      return [try g.apply(op, try n.input(0))]
    },
    write: { op, x, w in
      let number = try x.required(0)
      return [
        try w.emit(
          "AsString", [number],
          [
            "precision": .int(op.precision), "scientific": .bool(op.isScientific), "shortest": .bool(op.isShortest),
            "width": .int(op.width), "fill": .string(op.fill),
          ], as: TensorType(.string, number.type.shape))
      ]
    }),
  .rule(
    "StringToHashBucketFast", StringHashOp.self,
    read: { n, g in [try g.apply(StringHashOp(bucketCount: try n.int("num_buckets")), try n.input(0))] },
    write: { op, x, w in
      let text = try x.required(0), type = TensorType(.int64, text.type.shape)
      if op.key.isEmpty { return [try w.emit("StringToHashBucketFast", [text], ["num_buckets": .int(op.bucketCount)], as: type)] }
      return [
        try w.emit("StringToHashBucketStrong", [text], ["num_buckets": .int(op.bucketCount), "key": .ints(op.key)], as: type)
      ]
    }),
  .reads("StringToHashBucketStrong") { n, g in
    [try g.apply(StringHashOp(bucketCount: try n.int("num_buckets"), key: try n.ints("key")), try n.input(0))]
  },
  .rule(
    "EncodeBase64", EncodeBase64Op.self, read: { n, g in [try g.apply(EncodeBase64Op(isPadded: try n.flag("pad")), try n.input(0))] },
    write: { op, x, w in [try w.emit("EncodeBase64", x.values, ["pad": .bool(op.isPadded)])] }),
  .same("DecodeBase64", DecodeBase64Op()),
  .rule(
    "DecodeRaw", DecodeRawOp.self,
    read: { n, g in
      [try g.apply(DecodeRawOp(to: try n.dtype("out_type"), isLittleEndian: try n.flag("little_endian")), try n.input(0))]
    },
    write: { op, x, w in
      [
        try w.emit(
          "DecodeRaw", x.values, ["out_type": try .dtype(op.dtype), "little_endian": .bool(op.isLittleEndian)],
          as: try w.types(op, x)[0])
      ]
    }),
]

extension NodeWriter {
  /// TensorFlow.js has no op for the case of letters: each of ASCII's is replaced by itself.
  fileprivate mutating func changed(_ op: StringCaseOp, _ texts: OutValue) throws -> OutValue {
    guard !op.isUnicode else { throw UnsupportedError("TensorFlow.js changes the case of ASCII letters alone") }
    var result = texts
    for place in UInt8(0)..<26 {
      let upper = String(UnicodeScalar(65 + place)), lower = String(UnicodeScalar(97 + place)), isLower = op.change == .lower
      result = try emit(
        "StaticRegexReplace", [result],
        ["pattern": .string(isLower ? upper : lower), "rewrite": .string(isLower ? lower : upper), "replace_global": .bool(true)])
    }
    return result
  }

  /// Words between white space, by the operator that takes single characters.
  mutating func splitWords(_ texts: OutValue) throws -> [OutValue] {
    let op = SparseStringSplitOp(splitsAtAny: true, skipsEmpty: true)
    let space = try constant(NDArray(strings: [[32, 9, 10, 11, 12, 13]], []))
    return try emit("StringSplit", [texts, space], ["skip_empty": .bool(true)], types: try op.infer([texts.fact, nil]))
  }
}

extension NodeReader {
  fileprivate func unit() throws -> StringUnit {
    let name = try string("unit")
    guard let unit = StringUnit(rawValue: name) else { throw FormatError(.invalidValue, "\(type): unit is '\(name)'") }
    return unit
  }

  /// A pattern in an input.
  fileprivate func constantText(_ index: Int, in g: GraphContext) throws -> String {
    guard let text = try g.fact(of: try input(index)).constant?.array().strings.first else {
      throw UnsupportedError("input \(index) of \(type) is not constant")
    }
    return String(decoding: text, as: UTF8.self)
  }
}
