import ModelGraph
import ModelSupport
import ModelTensor
import OrderedCollections

/// TensorFlow 2.0 to 2.3 kept a function between Keras's layers as the operators of its graph, each a `TensorFlowOpLayer`: the `NodeDef` as
/// JSON, and the operands that are no tensors of the model by their places. Each is a function under another name.
enum TensorFlowNodes {
  static let className = "TensorFlowOpLayer"

  typealias Argument = OperationArgument<ValueID>

  /// The names of a function's operands behind the first, and which of its arguments the attributes of an operator are.
  private struct Row {
    var function: String
    var operands: [String] = []
    var attributes: [String: String] = [:]
  }

  private static let binary: [String: String] = [
    "Add": "math.add", "AddV2": "math.add", "Sub": "math.subtract", "Mul": "math.multiply", "RealDiv": "realdiv", "Div": "realdiv",
    "FloorDiv": "math.floordiv", "FloorMod": "math.floormod", "Pow": "math.pow", "Maximum": "math.maximum", "Minimum": "math.minimum",
    "Greater": "math.greater", "GreaterEqual": "math.greater_equal", "Less": "math.less", "LessEqual": "math.less_equal",
    "Equal": "math.equal", "NotEqual": "math.not_equal", "LogicalAnd": "math.logical_and", "LogicalOr": "math.logical_or",
    "SquaredDifference": "math.squared_difference", "Atan2": "math.atan2", "DivNoNan": "math.divide_no_nan",
    "Xlogy": "math.xlogy", "Xdivy": "math.xdivy", "MulNoNan": "math.multiply_no_nan",
  ]
  private static let unary: [String: String] = [
    "Exp": "math.exp", "Log": "math.log", "Log1p": "math.log1p", "Expm1": "math.expm1", "Sqrt": "math.sqrt", "Rsqrt": "math.rsqrt",
    "Square": "math.square", "Abs": "math.abs", "Neg": "math.negative", "Sin": "math.sin", "Cos": "math.cos", "Tan": "math.tan",
    "Asin": "math.asin", "Acos": "math.acos", "Atan": "math.atan", "Sinh": "math.sinh", "Cosh": "math.cosh", "Tanh": "math.tanh",
    "Asinh": "math.asinh", "Acosh": "math.acosh", "Atanh": "math.atanh", "Sigmoid": "math.sigmoid", "Relu": "nn.relu",
    "Relu6": "nn.relu6", "Elu": "nn.elu", "Selu": "nn.selu", "Softplus": "math.softplus", "Softsign": "nn.softsign",
    "Floor": "math.floor", "Ceil": "math.ceil", "Round": "math.round", "Rint": "math.rint", "Sign": "math.sign", "Erf": "math.erf",
    "Erfc": "math.erfc", "Reciprocal": "math.reciprocal", "Inv": "math.reciprocal", "LogicalNot": "math.logical_not",
    "ZerosLike": "zeros_like", "OnesLike": "ones_like", "StopGradient": "stop_gradient", "Identity": "identity",
    "IsNan": "math.is_nan", "IsInf": "math.is_inf", "IsFinite": "math.is_finite", "Lgamma": "math.lgamma", "Digamma": "math.digamma",
    "Softmax": "nn.softmax", "LogSoftmax": "nn.log_softmax",
  ]
  private static let reductions: [String: String] = [
    "Sum": "math.reduce_sum", "Mean": "math.reduce_mean", "Max": "math.reduce_max", "Min": "math.reduce_min", "Prod": "math.reduce_prod",
    "Any": "math.reduce_any", "All": "math.reduce_all", "EuclideanNorm": "math.reduce_euclidean_norm",
  ]
  private static let rows: [String: Row] = {
    var result: [String: Row] = [
      "LeakyRelu": Row(function: "nn.leaky_relu", attributes: ["alpha": "alpha"]),
      "BiasAdd": Row(function: "nn.bias_add", operands: ["bias"], attributes: ["data_format": "data_format"]),
      "ExpandDims": Row(function: "expand_dims", operands: ["axis"]),
      "Squeeze": Row(function: "squeeze", attributes: ["squeeze_dims": "axis"]),
      "Transpose": Row(function: "transpose", operands: ["perm"]),
      "Reshape": Row(function: "reshape", operands: ["shape"]),
      "BroadcastTo": Row(function: "broadcast_to", operands: ["shape"]),
      "Tile": Row(function: "tile", operands: ["multiples"]),
      "Pad": Row(function: "pad", operands: ["paddings"]),
      "PadV2": Row(function: "pad", operands: ["paddings", "constant_values"]),
      "MirrorPad": Row(function: "pad", operands: ["paddings"], attributes: ["mode": "mode"]),
      "Cast": Row(function: "cast", attributes: ["DstT": "dtype"]),
      "MatMul": Row(function: "matmul", operands: ["b"], attributes: ["transpose_a": "transpose_a", "transpose_b": "transpose_b"]),
      "Unpack": Row(function: "unstack", attributes: ["num": "num", "axis": "axis"]),
      "SplitV": Row(function: "split", operands: ["num_or_size_splits", "axis"]),
      "Gather": Row(function: "gather", operands: ["indices"]),
      "GatherV2": Row(function: "gather", operands: ["indices", "axis"], attributes: ["batch_dims": "batch_dims"]),
      "GatherNd": Row(function: "gather_nd", operands: ["indices"]),
      "OneHot": Row(function: "one_hot", operands: ["depth", "on_value", "off_value"], attributes: ["axis": "axis", "T": "dtype"]),
      "ArgMax": Row(function: "math.argmax", operands: ["axis"], attributes: ["output_type": "output_type"]),
      "ArgMin": Row(function: "math.argmin", operands: ["axis"], attributes: ["output_type": "output_type"]),
      "TopKV2": Row(function: "math.top_k", operands: ["k"], attributes: ["sorted": "sorted"]),
      "SelectV2": Row(function: "where", operands: ["x", "y"]),
      "ClipByValue": Row(function: "clip_by_value", operands: ["clip_value_min", "clip_value_max"]),
      "Shape": Row(function: "shape", attributes: ["out_type": "out_type"]),
      "Fill": Row(function: "fill", operands: ["value"], attributes: ["T": "dtype"]),
      "Range": Row(function: "range", operands: ["limit", "delta"], attributes: ["Tidx": "dtype"]),
      "Slice": Row(function: "slice", operands: ["begin", "size"]),
      "ReverseV2": Row(function: "reverse", operands: ["axis"]),
      "Cumsum": Row(function: "cumsum", operands: ["axis"], attributes: ["exclusive": "exclusive", "reverse": "reverse"]),
      "DepthToSpace": Row(function: "nn.depth_to_space", attributes: ["block_size": "block_size", "data_format": "data_format"]),
      "SpaceToDepth": Row(function: "nn.space_to_depth", attributes: ["block_size": "block_size", "data_format": "data_format"]),
    ]
    for name in ["BatchMatMul", "BatchMatMulV2"] {
      result[name] = Row(function: "matmul", operands: ["b"], attributes: ["adj_x": "transpose_a", "adj_y": "transpose_b"])
    }
    for (name, function) in ["ResizeBilinear": "resize_bilinear", "ResizeNearestNeighbor": "resize_nearest_neighbor"] {
      result[name] = Row(
        function: "compat.v1.image.\(function)", operands: ["size"],
        attributes: ["align_corners": "align_corners", "half_pixel_centers": "half_pixel_centers"])
    }
    for (name, function) in binary { result[name] = Row(function: function, operands: ["y"]) }
    for (name, function) in unary { result[name] = Row(function: function) }
    for (name, function) in reductions { result[name] = Row(function: function, operands: ["axis"], attributes: ["keep_dims": "keepdims"]) }
    return result
  }()

  /// The function that a layer is, called on `tensors`.
  /// - Throws: `UnsupportedError` for operators beyond these.
  static func call(_ config: JSONValue, on tensors: [Argument]) throws -> TensorFlowFunctions.Call {
    guard let node = config["node_def"], let op = node["op"]?.stringValue else {
      throw UnsupportedError("an operator of TensorFlow is not supported", items: [.init("its NodeDef is no JSON")])
    }
    func unsupported(_ reason: String) -> UnsupportedError {
      UnsupportedError("an operator of TensorFlow is not supported", items: [.init(op, reason: reason)])
    }
    var operands = tensors
    let constants = (config["constants"]?.objectValue ?? [:]).compactMap { key, value in Int(key).map { ($0, value) } }
    for (place, value) in constants.sorted(by: { $0.0 < $1.0 }) {
      guard operands.indices.contains(place) || place == operands.count else { throw unsupported("operand \(place) is not there") }
      operands.insert(.json(value), at: place)
    }
    let attributes = node["attr"]
    var named: OrderedDictionary<String, Argument> = [:]
    func take(_ names: [String: String]) {
      for (name, argument) in names.sorted(by: { $0.key < $1.key }) {
        if let value = plain(attributes?[name]) { named[argument] = .json(value) }
      }
    }
    switch op {
    case "ConcatV2":
      guard let axis = operands.popLast() else { break }
      return TensorFlowFunctions.Call(function: "concat", first: .list(operands), named: ["axis": axis])
    case "Pack":
      take(["axis": "axis"])
      return TensorFlowFunctions.Call(function: "stack", first: .list(operands), named: named)
    case "AddN": return TensorFlowFunctions.Call(function: "add_n", first: .list(operands), named: [:])
    case "Split":
      guard operands.count == 2 else { break }
      take(["num_split": "num_or_size_splits"])
      named["axis"] = operands[0]
      return TensorFlowFunctions.Call(function: "split", first: operands[1], named: named)
    case "StridedSlice":
      guard operands.count == 4 else { break }
      let spec = try slices(operands.dropFirst().map(\.plain), attributes, unsupported)
      return TensorFlowFunctions.Call(function: "__operators__.getitem", first: operands[0], named: ["slice_spec": .list(spec)])
    default:
      guard let row = rows[op] else { throw unsupported("no counterpart") }
      guard let first = operands.first, operands.count <= row.operands.count + 1 else { break }
      for (name, operand) in zip(row.operands, operands.dropFirst()) { named[name] = operand }
      take(row.attributes)
      return TensorFlowFunctions.Call(function: row.function, first: first, named: named)
    }
    throw unsupported("\(operands.count) operands")
  }

  /// An attribute as Python would say it; `nil` where it is not set.
  private static func plain(_ attribute: JSONValue?) -> JSONValue? {
    guard let members = attribute?.objectValue, let kind = members.keys.first, let value = members[kind] else { return nil }
    switch kind {
    case "b", "f": return value
    // 64-bit integers are texts in the JSON of a message, and texts are base64.
    case "i": return integer(value)
    case "s":
      guard let text = value.stringValue, let bytes = try? Base64.decode(text.utf8) else { return nil }
      return .string(String(decoding: bytes, as: UTF8.self))
    case "type": return value.stringValue.flatMap { types[$0] }.map { JSONValue.string($0) }
    case "list": return .array((value["i"]?.arrayValue ?? []).map(integer))
    default: return nil
    }
  }

  private static func integer(_ value: JSONValue) -> JSONValue {
    value.stringValue.flatMap { Int($0) }.map { JSONValue.int($0) } ?? value
  }

  private static let types: [String: String] = [
    "DT_FLOAT": "float32", "DT_DOUBLE": "float64", "DT_HALF": "float16", "DT_BFLOAT16": "bfloat16", "DT_INT8": "int8", "DT_INT16": "int16",
    "DT_INT32": "int32", "DT_INT64": "int64", "DT_UINT8": "uint8", "DT_UINT16": "uint16", "DT_UINT32": "uint32", "DT_UINT64": "uint64",
    "DT_BOOL": "bool", "DT_STRING": "string",
  ]

  /// `x[…]` again: the places, ends and steps of axes, and the bits that say which of them do not count.
  private static func slices(
    _ operands: [JSONValue?], _ attributes: JSONValue?, _ unsupported: (String) -> UnsupportedError
  ) throws -> [Argument] {
    let lists = operands.map { $0?.arrayValue?.compactMap(\.intValue) }
    guard lists.count == 3, let begin = lists[0], let end = lists[1], let steps = lists[2], begin.count == end.count,
      begin.count == steps.count, begin.count < 32
    else { throw unsupported("from computed places") }
    func mask(_ name: String) -> Int { plain(attributes?["\(name)_mask"])?.intValue ?? 0 }
    let starts = mask("begin"), ends = mask("end"), ellipsis = mask("ellipsis")
    let new = mask("new_axis"), shrink = mask("shrink_axis")
    return begin.indices.map { axis in
      func has(_ mask: Int) -> Bool { mask >> axis & 1 == 1 }
      if has(ellipsis) { return .json("...") }
      if has(new) { return .json(.null) }
      if has(shrink) { return .json(.int(begin[axis])) }
      return .json([
        "start": has(starts) ? .null : .int(begin[axis]), "stop": has(ends) ? .null : .int(end[axis]), "step": .int(steps[axis]),
      ])
    }
  }
}
