import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

extension NodeReader {
  /// Keys and values come as lists of one of several types (opset 2), or as tensors (4); opset 1 had numbered strings.
  func labelEncoder(in graph: GraphContext) throws -> LabelEncoderOp {
    if version < 2, let classes = try byteStrings("classes_strings") {
      let words = NDArray(strings: classes, [classes.count])
      let numbers = NDArray(classes.indices.map { Int64($0) }, [classes.count])
      if graph.type(of: try input(0)).dtype == .string {
        return LabelEncoderOp(keys: words, values: numbers, defaultValue: NDArray(scalar: Int64(try int("default_int64") ?? -1)))
      }
      return LabelEncoderOp(
        keys: numbers, values: words, defaultValue: NDArray(strings: [try bytes("default_string") ?? Array("_Unused".utf8)], []))
    }
    func list(_ prefix: String) throws -> NDArray {
      if let tensor = try tensor("\(prefix)_tensor") {
        let array = try tensor.array()
        return array.reshaped([array.count])
      }
      if let words = try byteStrings("\(prefix)_strings") { return NDArray(strings: words, [words.count]) }
      if let numbers = try ints("\(prefix)_int64s") { return NDArray(numbers.map(Int64.init), [numbers.count]) }
      if let attribute = attribute("\(prefix)_floats") { return NDArray(attribute.floats, [attribute.floats.count]) }
      throw FormatError(.missingReference, "LabelEncoder has no \(prefix)")
    }
    let keys = try list("keys"), values = try list("values")
    guard keys.count == values.count else {
      throw FormatError(.invalidValue, "LabelEncoder has \(keys.count) keys and \(values.count) values")
    }
    let other: NDArray
    if let tensor = try tensor("default_tensor") {
      other = try tensor.array()
    } else {
      switch values.dtype {
      case .string: other = NDArray(strings: [try bytes("default_string") ?? Array("_Unused".utf8)], [])
      case .int64: other = NDArray(scalar: Int64(try int("default_int64") ?? -1))
      default:
        let number = try float("default_float") ?? -0.0
        other = try NDArray(scalar: number).cast(to: values.dtype, in: ExecutionContext(primitives: ReferencePrimitives()))
      }
    }
    guard other.count == 1, other.dtype == values.dtype else {
      throw FormatError(.invalidValue, "LabelEncoder: the default is \(other.type)")
    }
    return LabelEncoderOp(keys: keys, values: values, defaultValue: other)
  }

  /// The classes by name or number.
  func classLabels() throws -> NDArray {
    for name in ["classlabels_strings"] {
      if let words = try byteStrings(name), !words.isEmpty { return NDArray(strings: words, [words.count]) }
    }
    for name in ["classlabels_ints", "classlabels_int64s"] {
      if let numbers = try ints(name), !numbers.isEmpty { return NDArray(numbers.map(Int64.init), [numbers.count]) }
    }
    throw FormatError(.missingReference, "\(type) names no classes")
  }
}

extension GraphContext {
  /// A float32 vector that broadcasts along the last axis.
  mutating func row(_ values: [Double]) throws -> ValueID { try constant(NDArray(values.map { Float($0) }, [values.count])) }

  /// `x · coefficientsᵀ + intercepts`.
  mutating func linear(_ n: NodeReader, _ x: ValueID, rows: Int) throws -> ValueID {
    let weights = try n.floats("coefficients") ?? [], intercepts = try n.floats("intercepts") ?? []
    guard rows > 0, !weights.isEmpty, weights.count % rows == 0, intercepts.isEmpty || intercepts.count == rows else {
      throw FormatError(.invalidValue, "\(n.type): \(weights.count) coefficients and \(intercepts.count) intercepts for \(rows) rows")
    }
    let matrix = try constant(NDArray(weights.map { Float($0) }, [rows, weights.count / rows]))
    let product = try matmul(try cast(x, to: .float32), matrix, transposeB: true)
    return intercepts.isEmpty ? product : try add(product, try row(intercepts))
  }

  /// Scores with the base values added.
  mutating func based(_ scores: ValueID, _ n: NodeReader) throws -> ValueID {
    guard let base = try n.floats("base_values"), !base.isEmpty else { return scores }
    return try add(scores, try row(base))
  }

  /// Scores after the transformation that the node names (as a text, or in newer nodes as a number).
  mutating func finished(_ scores: ValueID, _ n: NodeReader) throws -> ValueID {
    let names = ["NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"]
    var name = "NONE"
    if let attribute = n.attribute("post_transform") {
      if let number = attribute.i { name = names.indices.contains(Int(number)) ? names[Int(number)] : "\(number)" }
      if attribute.s != nil { name = try n.string("post_transform") ?? "NONE" }
    }
    switch name {
    case "NONE": return scores
    case "SOFTMAX": return try softmax(scores)
    case "LOGISTIC": return try apply(SigmoidOp(), scores)
    case "SOFTMAX_ZERO":
      // Zeros take no part and stay zero.
      let zero = try scalar(0, like: scores), isZero = try apply(EqualOp(), scores, zero)
      let probabilities = try softmax(try select(isZero, try scalar(-.infinity, like: scores), scores))
      return try select(isZero, zero, probabilities)
    case "PROBIT":
      let centred = try sub(try mul(scores, try scalar(2, like: scores)), try scalar(1, like: scores))
      return try mul(try apply(ErfinvOp(), centred), try scalar(2.0.squareRoot(), like: scores))
    default: throw FormatError(.invalidValue, "\(n.type): post_transform is '\(name)'")
    }
  }

  /// The label of the best class, and a score for each.
  mutating func classified(_ raw: ValueID, _ labels: NDArray, _ n: NodeReader) throws -> [ValueID] {
    var scores = raw
    let transform = try n.string("post_transform") ?? "NONE"
    var best: ValueID
    if labels.count == 2, type(of: raw).shape.dims?.last == .fixed(1) {
      // One score for two classes: positive means the second. As a probability it is held against one half.
      let isProbability = transform == "NONE" && n.type == "TreeEnsembleClassifier"
      let limit = try scalar(isProbability ? 0.5 : 0, like: raw)
      best = try cast(try squeeze(try apply(GreaterOp(), raw, limit), [-1]), to: .int64)
      let second = try finished(raw, n)
      let first =
        transform == "NONE" && !isProbability
        ? try apply(NegOp(), second) : try sub(try scalar(1, like: second), second)
      scores = try concat([first, second], axis: -1)
    } else {
      best = try apply(ArgMaxOp(axis: -1, keepDims: false), raw)
      scores = try finished(raw, n)
    }
    let names = try constant(labels)
    return [try gather(names, best, axis: 0), scores]
  }
}
