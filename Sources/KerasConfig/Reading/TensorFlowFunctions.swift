import ModelGraph
import ModelSupport
import ModelTensor
import OrderedCollections

/// Keras 2 keeps a TensorFlow function between its layers as a `TFOpLambda` (and `x[…]` as a
/// `SlicingOpLambda`). The common ones are operations of `keras.ops` under other names.
enum TensorFlowFunctions {
  static let classNames: Set<String> = ["TFOpLambda", "SlicingOpLambda", TensorFlowNodes.className]

  /// The operation that a function is: class, arguments, configuration.
  typealias Operation = (
    className: String, arguments: [OperationArgument<ValueID>], config: OrderedDictionary<String, JSONValue>
  )

  /// One call: the first argument by position, the others by name.
  struct Call {
    var function: String
    var first: OperationArgument<ValueID>
    var named: OrderedDictionary<String, OperationArgument<ValueID>>

    func json(_ name: String) -> JSONValue? {
      guard let value = named[name]?.plain, !value.isNull else { return nil }
      return value
    }
    func argument(_ name: String) throws -> OperationArgument<ValueID> {
      guard let value = named[name] else { throw unsupported("without '\(name)'") }
      return value
    }
    func unsupported(_ what: String) -> UnsupportedError {
      UnsupportedError("a TensorFlow function is not supported", items: [.init("tf.\(function)", reason: what)])
    }
  }

  private static let unary: [String: String] = [
    "math.exp": "Exp", "math.log": "Log", "math.log1p": "Log1p", "math.expm1": "Expm1", "math.sqrt": "Sqrt",
    "math.rsqrt": "Rsqrt", "math.square": "Square", "math.abs": "Absolute", "abs": "Absolute", "math.negative": "Negative",
    "__operators__.neg": "Negative", "__operators__.abs": "Absolute", "math.sin": "Sin", "math.cos": "Cos",
    "math.tan": "Tan", "math.tanh": "Tanh", "nn.tanh": "Tanh", "math.sigmoid": "Sigmoid", "nn.sigmoid": "Sigmoid",
    "sigmoid": "Sigmoid", "nn.relu": "Relu", "nn.relu6": "Relu6", "nn.elu": "Elu", "nn.selu": "Selu",
    "nn.softplus": "Softplus", "math.softplus": "Softplus", "nn.softsign": "Softsign", "math.softsign": "Softsign",
    "math.floor": "Floor", "math.ceil": "Ceil", "math.round": "Round",
    "round": "Round", "math.sign": "Sign", "math.erf": "Erf", "math.reciprocal": "Reciprocal", "math.sinh": "Sinh",
    "math.cosh": "Cosh", "math.atan": "Arctan", "math.asin": "Arcsin", "math.acos": "Arccos",
    "math.logical_not": "LogicalNot", "zeros_like": "ZerosLike", "ones_like": "OnesLike", "stop_gradient": "StopGradient",
    "identity": "Copy", "math.is_nan": "Isnan", "math.is_inf": "Isinf", "math.is_finite": "Isfinite", "math.acosh": "Arccosh",
    "math.asinh": "Arcsinh", "math.atanh": "Arctanh", "math.erfc": "Erfc", "math.erfinv": "Erfinv", "math.rint": "Round",
    "bitwise.invert": "BitwiseInvert", "linalg.cholesky": "Cholesky", "nn.hard_swish": "HardSwish", "sqrt": "Sqrt", "exp": "Exp",
    "square": "Square", "sin": "Sin", "cos": "Cos", "tanh": "Tanh", "sign": "Sign", "floor": "Floor",
  ]
  private static let binary: [String: String] = [
    "math.add": "Add", "__operators__.add": "Add", "__operators__.radd": "Add", "add": "Add",
    "math.subtract": "Subtract", "__operators__.sub": "Subtract", "math.multiply": "Multiply",
    "__operators__.mul": "Multiply", "__operators__.rmul": "Multiply", "realdiv": "TrueDivide",
    "math.floordiv": "FloorDivide", "__operators__.floordiv": "FloorDivide",
    "math.floormod": "Mod", "math.mod": "Mod", "__operators__.mod": "Mod", "math.pow": "Power",
    "__operators__.pow": "Power", "math.maximum": "Maximum", "math.minimum": "Minimum", "math.greater": "Greater",
    "__operators__.gt": "Greater", "math.greater_equal": "GreaterEqual", "__operators__.ge": "GreaterEqual",
    "math.less": "Less", "__operators__.lt": "Less", "math.less_equal": "LessEqual", "__operators__.le": "LessEqual",
    "math.equal": "Equal", "__operators__.eq": "Equal", "math.not_equal": "NotEqual", "__operators__.ne": "NotEqual",
    "math.logical_and": "LogicalAnd", "__operators__.and": "LogicalAnd", "math.logical_or": "LogicalOr",
    "__operators__.or": "LogicalOr", "math.squared_difference": "SquaredDifference",
    "math.atan2": "Arctan2", "compat.v1.floor_div": "FloorDivide", "math.logical_xor": "LogicalXor",
    "bitwise.bitwise_and": "BitwiseAnd", "bitwise.bitwise_or": "BitwiseOr", "bitwise.bitwise_xor": "BitwiseXor",
    "maximum": "Maximum", "minimum": "Minimum", "multiply": "Multiply", "subtract": "Subtract", "pow": "Power",
    "__operators__.xor": "LogicalXor",
  ]
  /// Operators with the tensor on the right.
  private static let reversed: [String: String] = [
    "__operators__.rsub": "Subtract", "__operators__.rtruediv": "TrueDivide", "__operators__.rpow": "Power",
    "__operators__.rfloordiv": "FloorDivide", "__operators__.rmod": "Mod",
  ]
  private static let reductions: [String: String] = [
    "math.reduce_sum": "Sum", "math.reduce_max": "Max", "math.reduce_min": "Min",
    "math.reduce_prod": "Prod", "math.reduce_any": "Any", "math.reduce_all": "All", "math.reduce_std": "Std",
    "math.reduce_variance": "Var", "math.reduce_logsumexp": "Logsumexp", "reduce_sum": "Sum",
    "reduce_max": "Max", "reduce_min": "Min", "reduce_prod": "Prod", "reduce_any": "Any", "reduce_all": "All",
    "reduce_logsumexp": "Logsumexp",
  ]

  /// The operations that a call is, to be applied one after the other: each takes the result of the one
  /// before as its first argument when it has none of its own.
  /// - Throws: `UnsupportedError` for functions and options beyond these.
  static func operations(_ call: Call) throws -> [Operation] {
    let function = call.function, x = call.first
    if let name = unary[function] { return [(name, [x], [:])] }
    if let name = binary[function] {
      let other = call.named["y"] ?? call.named["bias"] ?? call.named["x"]
      guard let other else { throw call.unsupported("with one argument") }
      if name == "SquaredDifference" { return [("Subtract", [x, other], [:]), ("Square", [], [:])] }
      return [(name, [x, other], [:])]
    }
    if let name = reversed[function] { return [(name, [try call.argument("y"), x], [:])] }
    if let name = reductions[function] {
      return [(name, [x], ["axis": call.json("axis") ?? .null, "keepdims": call.json("keepdims") ?? false])]
    }
    switch function {
    case "cast", "dtypes.cast":
      guard let dtype = call.json("dtype") else { throw call.unsupported("without a dtype") }
      return [("Cast", [x], ["dtype": dtype])]
    case "expand_dims": return [("ExpandDims", [x], ["axis": call.json("axis") ?? .null])]
    case "squeeze", "compat.v1.squeeze":
      var axis = call.json("axis") ?? .null
      if axis == .array([]) { axis = .null }
      return [("Squeeze", [x], ["axis": axis])]
    case "transpose", "compat.v1.transpose": return [("Transpose", [x], ["axes": call.json("perm") ?? .null])]
    case "concat": return [("Concatenate", [x], ["axis": call.json("axis") ?? 0])]
    case "stack": return [("Stack", [x], ["axis": call.json("axis") ?? 0])]
    case "unstack": return [("Unstack", [x], ["num": call.json("num") ?? .null, "axis": call.json("axis") ?? 0])]
    case "split":
      guard let sizes = call.json("num_or_size_splits") else { throw call.unsupported("into computed sizes") }
      guard let list = sizes.arrayValue else {
        return [("Split", [x], ["indices_or_sections": sizes, "axis": call.json("axis") ?? 0])]
      }
      // Sizes here, places there.
      var place = 0, places: [JSONValue] = []
      for size in list.dropLast() {
        guard let size = size.intValue, (0...(1 << 31)).contains(size) else { throw call.unsupported("into unknown sizes") }
        place += size
        places.append(.int(place))
      }
      return [("Split", [x], ["indices_or_sections": .array(places), "axis": call.json("axis") ?? 0])]
    case "pad", "compat.v1.pad":
      guard let pads = call.json("paddings") else { throw call.unsupported("by computed widths") }
      let mode = (call.json("mode")?.stringValue ?? "constant").lowercased()
      let value: [OperationArgument<ValueID>] = mode == "constant" ? [.json(call.json("constant_values") ?? 0)] : []
      return [("Pad", [x] + value, ["pad_width": pads, "mode": .string(mode)])]
    case "clip_by_value":
      return [("Clip", [x, try call.argument("clip_value_min"), try call.argument("clip_value_max")], [:])]
    case "linalg.matmul", "matmul":
      guard call.json("adjoint_a")?.boolValue != true, call.json("adjoint_b")?.boolValue != true else {
        throw call.unsupported("with an adjoint factor")
      }
      let other = try call.argument("b")
      let turnsA = call.json("transpose_a")?.boolValue == true, turnsB = call.json("transpose_b")?.boolValue == true
      guard turnsA || turnsB else { return [("Matmul", [x, other], [:])] }
      let equation = "...\(turnsA ? "ji" : "ij"),...\(turnsB ? "kj" : "jk")->...ik"
      return [("Einsum", [x, other], ["subscripts": .string(equation)])]
    case "math.divide_no_nan", "math.div_no_nan": return [("DivideNoNan", [x, try call.argument("y")], [:])]
    case "math.top_k", "nn.top_k":
      if let count = call.named["k"], count.plain == nil { throw call.unsupported("of a computed count") }
      return [("TopK", [x], ["k": call.json("k") ?? 1, "sorted": call.json("sorted") ?? true])]
    case "where": return [("Where", [x, try call.argument("x"), try call.argument("y")], [:])]
    case "math.argmax", "argmax", "math.argmin", "argmin":
      let name = function.hasSuffix("max") ? "Argmax" : "Argmin"
      return [
        (name, [x], ["axis": call.json("axis") ?? 0, "keepdims": false]),
        ("Cast", [], ["dtype": call.json("output_type") ?? "int64"]),
      ]
    case "nn.softmax", "nn.log_softmax", "math.softmax":
      return [(function.contains("log") ? "LogSoftmax" : "Softmax", [x], ["axis": call.json("axis") ?? -1])]
    case "nn.leaky_relu": return [("LeakyRelu", [x], ["negative_slope": call.json("alpha") ?? 0.2])]
    case "nn.gelu": return [("Gelu", [x], ["approximate": call.json("approximate") ?? false])]
    case "reverse": return [("Flip", [x], ["axis": call.json("axis") ?? .null])]
    case "nn.l2_normalize", "math.l2_normalize", "linalg.l2_normalize":
      // TensorFlow's bounds the square of the norm, Keras's the norm.
      let bound = call.json("epsilon")?.doubleValue ?? 1e-12
      return [("Normalize", [x], ["axis": call.json("axis") ?? -1, "order": 2, "epsilon": .double(max(0, bound).squareRoot())])]
    case "__operators__.getitem":
      return [("GetItem", [x, try key(call)], [:])]
    default: throw call.unsupported("no counterpart")
    }
  }

  /// `x[…]`: slices are `{start, stop, step}`, new axes are null, an ellipsis is `...`.
  private static func key(_ call: Call) throws -> OperationArgument<ValueID> {
    guard let spec = call.named["slice_spec"] else { throw call.unsupported("without a slice") }
    func entry(_ argument: OperationArgument<ValueID>) throws -> OperationArgument<ValueID> {
      guard let json = argument.plain else { return argument }
      if json.objectValue != nil, json["class_name"] == nil {
        return .json(["class_name": "__slice__", "config": json])
      }
      if json == "..." { return .json(["class_name": "__ellipsis__", "config": [:]]) }
      return .json(json)
    }
    if case .list(let list) = spec { return .list(try list.map(entry)) }
    if let list = spec.plain?.arrayValue { return .list(try list.map { try entry(.json($0)) }) }
    return .list([try entry(spec)])
  }
}
