import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

let comparisonRules: [NodeRule] = [
  .rule(
    "Equal", EqualOp.self, read: { n, g in try g.apply(EqualOp(), to: try n.operands(in: &g)) },
    write: { _, x, w in
      guard x[0]?.type.dtype != .string || w.opset >= 19 else { throw UnsupportedError("Equal of strings needs opset 19") }
      return [try w.emit("Equal", x.values, as: .bool(like: x))]
    }),
  .comparison("Greater", GreaterOp()), .comparison("Less", LessOp()),
  .comparison("GreaterOrEqual", GreaterOrEqualOp()), .comparison("LessOrEqual", LessOrEqualOp()),
  .comparison("And", LogicalAndOp()), .comparison("Or", LogicalOrOp()), .comparison("Xor", LogicalXorOp()),
  .rule(
    "Not", LogicalNotOp.self, read: { n, g in [try g.apply(LogicalNotOp(), try n.input(0))] },
    write: { _, x, w in [try w.emit("Not", x.values)] }),
  .writes(NotEqualOp.self) { _, x, w in [try w.emit("Not", [try w.apply(EqualOp(), try x.required(0), try x.required(1))])] },
  .rule(
    "IsNaN", IsNaNOp.self, read: { n, g in [try g.apply(IsNaNOp(), try n.input(0))] },
    write: { _, x, w in
      // Only floats can be NaN; ONNX asks for one.
      let value = try w.wide(try x.required(0))
      return [try w.emit("IsNaN", [value], as: .bool(like: x))]
    }),
  .rule(
    "IsInf", IsInfOp.self,
    read: { n, g in
      let op = IsInfOp(detectNegative: try n.flag("detect_negative", true), detectPositive: try n.flag("detect_positive", true))
      return [try g.apply(op, try n.input(0))]
    },
    write: { op, x, w in
      var value = try x.required(0)
      if w.opset < 20 || !value.type.dtype.isFloatingPoint { value = try w.wide(value, keeping: [.float32, .float64]) }
      return [
        try w.emit(
          "IsInf", [value],
          ["detect_negative": op.detectNegative ? nil : .int(0), "detect_positive": op.detectPositive ? nil : .int(0)],
          as: .bool(like: x))
      ]
    }),
  .rule(
    "Where", WhereOp.self, read: { n, g in try g.apply(WhereOp(), to: n.inputs) },
    write: { _, x, w in [try w.emit("Where", x.values, as: try x.required(1).type.unquantized)] }),
]

extension NodeRule {
  /// Two operands that broadcast, and a boolean result.
  static func comparison<O: BinaryElementwiseOp>(_ type: String, _ op: O) -> NodeRule {
    .rule(
      type, O.self, read: { n, g in try g.apply(op, to: try n.operands(in: &g)) },
      write: { _, x, w in [try w.emit(type, x.values, as: .bool(like: x))] })
  }
}

extension TensorType {
  /// Booleans in the shape that the inputs broadcast to.
  static func bool(like inputs: RuleInputs) -> TensorType {
    let shapes = inputs.values.compactMap { $0?.type.shape }
    return TensorType(.bool, (try? broadcast(shapes)) ?? .unranked)
  }
}

extension NodeWriter {
  /// The value in a float dtype that older operators take.
  mutating func wide(_ x: OutValue, keeping kept: Set<DType> = [.float16, .float32, .float64]) throws -> OutValue {
    kept.contains(x.type.dtype) ? x : try cast(x, to: .float32)
  }
}
