import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

let comparisonRules: [NodeRule] = [
  .rule(
    "Equal", EqualOp.self, read: { n, g in [try g.compared(EqualOp(), n, sameShape: false)] },
    write: { _, x, w in [try w.emit("Equal", x.values, as: try x.comparison())] }),
  .rule(
    "NotEqual", NotEqualOp.self, read: { n, g in [try g.compared(NotEqualOp(), n, sameShape: true)] },
    write: { _, x, w in [try w.emit("NotEqual", x.values, as: try x.comparison())] }),
  .comparison("Greater", GreaterOp()), .comparison("Less", LessOp()),
  .comparison("GreaterEqual", GreaterOrEqualOp()), .comparison("LessEqual", LessOrEqualOp()),
  .comparison("LogicalAnd", LogicalAndOp()), .comparison("LogicalOr", LogicalOrOp()),
  .same("LogicalNot", LogicalNotOp()),
  .writes(LogicalXorOp.self) { _, x, w in [try w.emit("NotEqual", x.values, as: try x.comparison())] },
  .rule(
    "IsNan", IsNaNOp.self, read: { n, g in [try g.apply(IsNaNOp(), try n.input(0))] },
    write: { _, x, w in [try w.emit("IsNan", [try w.fractional(try x.required(0))], as: try x.comparison())] }),
  .rule(
    "IsInf", IsInfOp.self, read: { n, g in [try g.apply(IsInfOp(), try n.input(0))] },
    write: { op, x, w in
      let value = try w.fractional(try x.required(0)), type = try x.comparison()
      if op.detectNegative, op.detectPositive { return [try w.emit("IsInf", [value], as: type)] }
      let end = try w.scalar(op.detectPositive ? .infinity : -.infinity, like: value)
      guard op.detectPositive || op.detectNegative else {
        return [try w.apply(LogicalAndOp(), try w.emit("IsInf", [value], as: type), try w.constant(NDArray(scalar: false)))]
      }
      return [try w.emit("Equal", [value, end], as: type)]
    }),
  // x − x is 0 for what is finite, and NaN for all else.
  .reads("IsFinite") { n, g in
    let x = try n.input(0)
    let isOdd = try g.apply(LogicalOrOp(), try g.apply(IsNaNOp(), x), try g.apply(IsInfOp(), x))
    return [try g.apply(LogicalNotOp(), isOdd)]
  },
  .reads("ApproximateEqual") { n, g in
    let distance = try g.apply(AbsOp(), try g.sub(try n.input(0), try n.input(1)))
    return [try g.apply(LessOp(), distance, try g.scalar(try n.float("tolerance"), like: distance))]
  },
  .rule(
    "SelectV2", WhereOp.self, read: { n, g in [try g.select(try n.input(0), try n.input(1), try n.input(2))] },
    write: { _, x, w in [try w.emit("SelectV2", x.values, as: try x.required(1).type.unquantized)] }),
  // A vector of conditions chooses rows.
  .reads("Select") { n, g in
    var condition = try n.input(0)
    let x = try n.input(1)
    if g.type(of: condition).shape.rank == 1, let rank = g.type(of: x).shape.rank, rank > 1 {
      condition = try g.unsqueeze(condition, Array(1..<rank))
    }
    return [try g.select(condition, x, try n.input(2))]
  },
  .rule(
    "Where", NonZeroOp.self,
    read: { n, g in
      let x = try n.input(0), places = try g.apply(NonZeroOp(), g.type(of: x).dtype == .bool ? x : try g.nonZero(x))
      return [try g.transpose(places, [1, 0])]
    },
    write: { _, x, w in
      let x = try x.required(0), rank = x.type.shape.dims.map { Dim.fixed($0.count) } ?? .unknown
      let places = try w.emit("Where", [x], as: TensorType(.int64, .ranked([.unknown, rank])))
      return [try w.transpose(places, [1, 0])]
    }),
]

extension NodeRule {
  /// Two operands that broadcast, and a boolean result.
  fileprivate static func comparison<O: BinaryElementwiseOp>(_ type: String, _ op: O) -> NodeRule {
    .rule(
      type, O.self, read: { n, g in [try g.apply(op, try n.input(0), try n.input(1))] },
      write: { _, x, w in [try w.emit(type, x.values, as: try x.comparison())] })
  }
}

extension RuleInputs {
  /// Booleans in the shape that the inputs broadcast to.
  fileprivate func comparison() throws -> TensorType {
    TensorType(.bool, (try? broadcast(values.compactMap { $0?.type.shape })) ?? .unranked)
  }
}

extension NodeWriter {
  /// The value as a float, which only can be infinite or no number.
  fileprivate mutating func fractional(_ x: OutValue) throws -> OutValue {
    x.type.dtype.isFloatingPoint ? x : try cast(x, to: .float32)
  }
}

extension GraphContext {
  fileprivate mutating func nonZero(_ x: ValueID) throws -> ValueID { try apply(NotEqualOp(), x, try scalar(0, like: x)) }

  /// With `incompatible_shape_error` false, tensors that do not broadcast are different as a whole.
  fileprivate mutating func compared(_ op: any Op, _ n: NodeReader, sameShape: Bool) throws -> ValueID {
    let a = try n.input(0), b = try n.input(1)
    if n.attribute("incompatible_shape_error")?.b == false, (try? broadcast([type(of: a).shape, type(of: b).shape])) == nil {
      return try constant(NDArray(scalar: sameShape))
    }
    return try apply(op, a, b)
  }
}
