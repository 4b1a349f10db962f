import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

let comparisonWriting: [WritingRule] = [
  .comparison(.equal, EqualOp.self), .comparison(.notEqual, NotEqualOp.self), .comparison(.greater, GreaterOp.self),
  .comparison(.greaterEqual, GreaterOrEqualOp.self), .comparison(.less, LessOp.self), .comparison(.lessEqual, LessOrEqualOp.self),
  .logical(.logicalAnd, LogicalAndOp.self), .logical(.logicalOr, LogicalOrOp.self),
  .writes(LogicalNotOp.self) { _, x, w in [try w.emit(.logicalNot, [try w.cast(try x.required(0), to: .bool)])] },
  .writes(LogicalXorOp.self) { _, x, w in
    [try w.apply(NotEqualOp(), try w.cast(try x.required(0), to: .int32), try w.cast(try x.required(1), to: .int32))]
  },
  .writes(IsNaNOp.self) { _, x, w in
    let x = try x.required(0)
    return [try w.apply(NotEqualOp(), x, x)]
  },
  .writes(IsInfOp.self) { op, x, w in
    let x = try x.required(0), infinity = try w.scalar(.infinity, like: x)
    if op.detectPositive, op.detectNegative { return [try w.apply(EqualOp(), try w.apply(AbsOp(), x), infinity)] }
    if op.detectPositive { return [try w.apply(EqualOp(), x, infinity)] }
    if op.detectNegative { return [try w.apply(EqualOp(), x, try w.scalar(-.infinity, like: x))] }
    return [try w.apply(NotEqualOp(), try w.apply(AbsOp(), x), try w.apply(AbsOp(), x))]
  },
  .writes(WhereOp.self) { op, x, w in
    let condition = try w.cast(try x.required(0), to: .bool), type = try w.types(op, x)[0]
    var a = try x.required(1), b = try x.required(2), c = condition
    let own: Set<DType> = [.bool, .float32, .int32, .int64, .uint8, .int8, .int16, .uint32]
    let inner: DType = own.contains(type.dtype) ? type.dtype : type.dtype.isInteger ? .int64 : .float32
    guard type.dtype != .string else { throw UnsupportedError("TFLite does not select strings") }
    (a, b) = (try w.cast(a, to: inner), try w.cast(b, to: inner))
    if type.shape.rank ?? 0 > 5 {
      let all = try w.alike([c, a, b], type)
      (c, a, b) = (all[0], all[1], all[2])
    }
    return [
      try w.cast(try w.emit(.selectV2, [c, a, b], .selectV2Options(SelectV2Options()), as: TensorType(inner, type.shape)), to: type.dtype)
    ]
  },
]

extension WritingRule {
  fileprivate static func comparison<O: Op>(_ builtin: BuiltinOperator, _ op: O.Type) -> WritingRule {
    writes(op) { op, x, w in
      var a = try x.required(0), b = try x.required(1)
      let type = try w.types(op, x)[0], isEquality = builtin == .equal || builtin == .notEqual
      let own: Set<DType> = isEquality ? [.bool, .float32, .int32, .int64, .string] : [.float32, .int32, .int64]
      if !own.contains(a.dtype) {
        guard a.dtype != .string else { throw UnsupportedError("TFLite does not order strings") }
        let wide: DType =
          a.dtype.isInteger ? (a.dtype == .uint32 || a.dtype == .uint64 ? .int64 : .int32) : a.dtype == .bool ? .int32 : .float32
        (a, b) = (try w.cast(a, to: wide), try w.cast(b, to: wide))
      }
      if type.shape.rank ?? 0 > 4 {
        let all = try w.alike([a, b], type)
        (a, b) = (all[0], all[1])
      }
      return [try w.emit(builtin, [a, b], as: TensorType(.bool, type.shape))]
    }
  }

  fileprivate static func logical<O: Op>(_ builtin: BuiltinOperator, _ op: O.Type) -> WritingRule {
    writes(op) { op, x, w in
      let type = try w.types(op, x)[0]
      var operands = try x.values.compactMap { $0 }.map { try w.cast($0, to: .bool) }
      if type.shape.rank ?? 0 > 4 { operands = try w.alike(operands, type) }
      return [try w.emit(builtin, operands, as: TensorType(.bool, type.shape))]
    }
  }
}
