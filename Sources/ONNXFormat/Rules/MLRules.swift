import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// The classical models of `ai.onnx.ml`. Most of them are read as the few ops that they amount to.
let mlRules: [NodeRule] = [
  .rule(
    "LabelEncoder", LabelEncoderOp.self, domain: mlDomain,
    read: { n, g in [try g.apply(try n.labelEncoder(in: g), try n.input(0))] },
    write: { op, x, w in
      w.use(domain: mlDomain, version: 4)
      func tensor(_ array: NDArray) -> WireAttribute { .tensor(Tensor(array)) }
      return [
        try w.emit(
          "LabelEncoder", x.values,
          ["keys_tensor": tensor(op.keys), "values_tensor": tensor(op.values), "default_tensor": tensor(op.defaultValue.reshaped([1]))],
          domain: mlDomain, as: try op.infer(x.values.map { $0?.fact })[0])
      ]
    }),
  .reads("CategoryMapper", domain: mlDomain) { n, g in
    let words = try n.byteStrings("cats_strings") ?? [], numbers = try n.ints("cats_int64s") ?? []
    guard words.count == numbers.count, !words.isEmpty else {
      throw FormatError(.invalidValue, "CategoryMapper: lists of different lengths")
    }
    let strings = NDArray(strings: words, [words.count]), ints = NDArray(numbers.map(Int64.init), [numbers.count])
    let x = try n.input(0)
    if g.type(of: x).dtype == .string {
      let other = NDArray(scalar: Int64(try n.int("default_int64") ?? -1))
      return [try g.apply(LabelEncoderOp(keys: strings, values: ints, defaultValue: other), x)]
    }
    let other = NDArray(strings: [try n.bytes("default_string") ?? Array("_Unused".utf8)], [])
    return [try g.apply(LabelEncoderOp(keys: ints, values: strings, defaultValue: other), x)]
  },
  .reads("ArrayFeatureExtractor", domain: mlDomain) { n, g in
    let x = try n.input(0), places = try g.reshape(try n.input(1), [-1])
    let picked = try g.gather(x, places, axis: -1)
    // A vector becomes a matrix of one row.
    return [g.type(of: x).shape.rank == 1 ? try g.unsqueeze(picked, [0]) : picked]
  },
  .reads("Binarizer", domain: mlDomain) { n, g in
    let x = try n.input(0)
    let above = try g.apply(GreaterOp(), x, try g.scalar(try n.float("threshold") ?? 0, like: x))
    return [try g.cast(above, to: g.type(of: x).dtype)]
  },
  .reads("Scaler", domain: mlDomain) { n, g in
    var x = try g.cast(try n.input(0), to: .float32)
    if let offset = try n.floats("offset"), !offset.isEmpty { x = try g.sub(x, try g.row(offset)) }
    if let scale = try n.floats("scale"), !scale.isEmpty { x = try g.mul(x, try g.row(scale)) }
    return [x]
  },
  .reads("Normalizer", domain: mlDomain) { n, g in
    let x = try g.cast(try n.input(0), to: .float32)
    let size: ValueID
    switch try n.string("norm") ?? "MAX" {
    case "L1": return [try g.apply(LpNormalizationOp(axis: -1, p: 1), x)]
    case "L2": return [try g.apply(LpNormalizationOp(axis: -1, p: 2), x)]
    case "MAX": size = try g.reduce(.max, try g.apply(AbsOp(), x), axes: [-1], keepDims: true)
    case let other: throw FormatError(.invalidValue, "Normalizer: norm is '\(other)'")
    }
    let isZero = try g.apply(EqualOp(), size, try g.scalar(0, like: size))
    return [try g.div(x, try g.select(isZero, try g.scalar(1, like: size), size))]
  },
  .reads("Imputer", domain: mlDomain) { n, g in
    let x = try n.input(0)
    if g.type(of: x).dtype == .int64 {
      let values = try n.ints("imputed_value_int64s") ?? []
      let filler = try g.constant(NDArray(values.map(Int64.init), [values.count]))
      let gone = try g.apply(EqualOp(), x, try g.scalar(Double(try n.int("replaced_value_int64") ?? 0), like: x))
      return [try g.select(gone, filler, x)]
    }
    let filler = try g.row(try n.floats("imputed_value_floats") ?? []), replaced = try n.float("replaced_value_float") ?? 0
    let gone = replaced.isNaN ? try g.apply(IsNaNOp(), x) : try g.apply(EqualOp(), x, try g.scalar(replaced, like: x))
    return [try g.select(gone, filler, x)]
  },
  .reads("OneHotEncoder", domain: mlDomain) { n, g in
    let x = try n.input(0), wide = try g.unsqueeze(x, [-1])
    let categories: ValueID
    if let words = try n.byteStrings("cats_strings"), !words.isEmpty {
      categories = try g.constant(NDArray(strings: words, [words.count]))
    } else {
      let numbers = try n.ints("cats_int64s") ?? []
      categories = try g.constant(NDArray(numbers.map(Int64.init), [numbers.count]))
    }
    let same = g.type(of: categories).dtype
    return [try g.cast(try g.apply(EqualOp(), try g.cast(wide, to: same), categories), to: .float32)]
  },
  .reads("FeatureVectorizer", domain: mlDomain) { n, g in
    // Matrices: a vector is one row, further axes are one.
    let rows = try n.inputs.indices.map { index in
      let x = try g.cast(try n.input(index), to: .float32)
      guard let rank = g.type(of: x).shape.rank, rank != 2 else { return x }
      return try g.reshape(x, rank < 2 ? [1, -1] : [0, -1])
    }
    return [try g.concat(rows, axis: -1)]
  },
  .reads("LinearRegressor", domain: mlDomain) { n, g in
    let targets = try n.int("targets") ?? 1
    let scores = try g.linear(n, try n.input(0), rows: targets)
    return [try g.finished(scores, n)]
  },
  .reads("LinearClassifier", domain: mlDomain) { n, g in
    let labels = try n.classLabels()
    let weights = try n.floats("coefficients") ?? []
    let classes = max(1, labels.count)
    // One row of weights for two classes: its negative stands for the first.
    let intercepts = (try n.floats("intercepts") ?? []).count
    let rows = classes == 2 && intercepts == 1 ? 1 : classes
    guard !weights.isEmpty else { throw FormatError(.missingReference, "LinearClassifier has no coefficients") }
    return try g.classified(try g.linear(n, try n.input(0), rows: rows), labels, n)
  },
  .rule(
    "TreeEnsemble", TreeEnsembleOp.self, domain: mlDomain,
    read: { n, g in [try g.finished(try g.apply(try n.treeEnsemble(), try n.input(0)), n)] },
    write: { op, x, w in [try writeTrees(op, x, &w)] }),
  .reads("TreeEnsembleRegressor", domain: mlDomain) { n, g in
    let trees = try n.oldTrees(targets: try n.int("n_targets") ?? 1, prefix: "target")
    let x = try g.cast(try n.input(0), to: .float32)
    return [try g.finished(try g.based(try g.apply(trees, x), n), n)]
  },
  .reads("TreeEnsembleClassifier", domain: mlDomain) { n, g in
    let labels = try n.classLabels()
    let ids = Set(try n.ints("class_ids") ?? [])
    // Two classes whose leaves vote for one of them only.
    let isBinary = labels.count == 2 && ids.count == 1
    let trees = try n.oldTrees(targets: isBinary ? 1 : max(1, labels.count), prefix: "class", single: isBinary)
    let x = try g.cast(try n.input(0), to: .float32)
    return try g.classified(try g.based(try g.apply(trees, x), n), labels, n)
  },
]

let mlDomain = "ai.onnx.ml"
