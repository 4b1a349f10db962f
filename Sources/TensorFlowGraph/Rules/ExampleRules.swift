import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// What stands at the two ends of a model: serialised examples that features are taken from, and labels that are read off logits.
let exampleRules: [NodeRule] = [
  .rule(
    "ParseExampleV2", ParseExampleOp.self,
    read: { n, g in
      guard try n.constantStrings(4, in: g).isEmpty else { throw UnsupportedError("ragged features of examples") }
      let op = try n.examples(sparse: try n.constantStrings(2, in: g), dense: try n.constantStrings(3, in: g))
      return try n.parsed(op, serialized: 0, defaults: 5, in: &g)
    },
    write: { op, x, w in
      func keys(_ features: [ParseExampleOp.Feature]) throws -> OutValue {
        try w.constant(NDArray(strings: features.map(\.key), [features.count]))
      }
      let none = try w.constant(NDArray(strings: [], [0])), defaults = try op.dense.indices.map { try x.required(1 + $0) }
      return try w.emit(
        "ParseExampleV2", [try x.required(0), none, try keys(op.sparse), try keys(op.dense), none] + defaults,
        [
          "num_sparse": .int(op.sparse.count), "sparse_types": .types(op.sparse.compactMap { DataType($0.dtype) }),
          "Tdense": .types(op.dense.compactMap { DataType($0.dtype) }), "ragged_value_types": .types([]), "ragged_split_types": .types([]),
          "dense_shapes": .shapes(op.dense.map { Shape($0.shape) }),
        ], types: try w.types(op, x))
    }),
  .reads("ParseExample") { n, g in
    let sparse = try n.count("Nsparse", from: 0), dense = try n.count("Ndense", from: 0)
    let keys = try (2..<(2 + sparse + dense)).map { place -> [UInt8] in
      guard let key = try n.constantStrings(place, in: g).first else { throw FormatError(.invalidValue, "a feature without a key") }
      return key
    }
    let op = try n.examples(sparse: Array(keys.prefix(sparse)), dense: Array(keys.dropFirst(sparse)))
    return try n.parsed(op, serialized: 0, defaults: 2 + sparse + dense, in: &g)
  },
  .reads("ParseSingleExample") { n, g in
    let op = try n.examples(sparse: try n.byteStrings("sparse_keys"), dense: try n.byteStrings("dense_keys"))
    return try n.parsed(op, serialized: 0, defaults: 1, in: &g)
  },
  .rule(
    "CTCGreedyDecoder", GreedyPathOp.self,
    read: { n, g in
      let op = GreedyPathOp(mergesRepeated: try n.flag("merge_repeated"), blank: try n.int("blank_index"))
      return try g.apply(op, to: [try n.input(0), try n.input(1)])
    },
    write: { op, x, w in
      try w.emit(
        "CTCGreedyDecoder", [try x.required(0), try w.cast(try x.required(1), to: .int32)],
        ["merge_repeated": .bool(op.mergesRepeated), "blank_index": .int(op.blank)], types: try w.types(op, x))
    }),
]

extension NodeReader {
  /// The texts of an input that must be known when the model is read.
  fileprivate func constantStrings(_ index: Int, in g: GraphContext) throws -> [[UInt8]] {
    guard let constant = g.fact(of: try input(index)).constant, constant.dtype == .string else {
      throw UnsupportedError("input \(index) of \(type) is not constant")
    }
    return try constant.array().strings
  }

  fileprivate func examples(sparse: [[UInt8]], dense: [[UInt8]]) throws -> ParseExampleOp {
    func dtypes(_ name: String, _ count: Int) throws -> [DType] {
      let types = try dataTypes(name)
      guard types.count == count else { throw FormatError(.invalidValue, "\(type): \(types.count) types of \(count) features") }
      return try types.map { type in
        guard let dtype = type.dtype, [.float32, .int64, .string].contains(dtype) else {
          throw FormatError(.invalidValue, "\(self.type): features of the type \(type.name)")
        }
        return dtype
      }
    }
    let shapes = try shapes("dense_shapes")
    guard shapes.count == dense.count else {
      throw FormatError(.invalidValue, "\(type): \(shapes.count) shapes of \(dense.count) features")
    }
    let own = try shapes.map { shape -> [Int] in
      guard let extents = shape.extents, let count = checkedProduct(extents), count <= 1 << 24 else {
        throw UnsupportedError("features of examples without a fixed number of elements")
      }
      return extents
    }
    return ParseExampleOp(
      sparse: zip(sparse, try dtypes("sparse_types", sparse.count)).map { ParseExampleOp.Feature(key: $0, dtype: $1) },
      dense: zip(zip(dense, try dtypes("Tdense", dense.count)), own).map { .init(key: $0.0, dtype: $0.1, shape: $1) })
  }

  fileprivate func parsed(_ op: ParseExampleOp, serialized: Int, defaults: Int, in g: inout GraphContext) throws -> [ValueID] {
    try g.apply(op, to: [try input(serialized)] + op.dense.indices.map { try input(defaults + $0) })
  }
}
