import ModelGraph
import ModelOps
import ModelTensor

extension OperationRules {
  static let comparison: OperationFamily = [
    .binary(.numpy, "Equal", EqualOp()), .binary(.numpy, "NotEqual", NotEqualOp()),
    .binary(.numpy, "Greater", GreaterOp()), .binary(.numpy, "GreaterEqual", GreaterOrEqualOp()),
    .binary(.numpy, "Less", LessOp()), .binary(.numpy, "LessEqual", LessOrEqualOp()),
    logical("LogicalAnd", LogicalAndOp()), logical("LogicalOr", LogicalOrOp()), logical("LogicalXor", LogicalXorOp()),
    OperationFamily(
      rules: [
        OperationRule(.numpy, "LogicalNot") { call, context in
          try context.apply(LogicalNotOp(), try context.cast(try call.tensor("x", in: &context), to: .bool))
        },
        test("Isnan", IsNaNOp()), test("Isinf", IsInfOp()), test("Isposinf", IsInfOp(detectNegative: false)),
        test("Isneginf", IsInfOp(detectPositive: false)),
        OperationRule(.numpy, "Isfinite") { call, context in
          let x = try call.tensor("x", in: &context)
          guard x.fact.type.dtype.isFloatingPoint else { return try context.apply(EqualOp(), x, x) }
          let either = try context.apply(LogicalOrOp(), try context.apply(IsNaNOp(), x), try context.apply(IsInfOp(), x))
          return try context.apply(LogicalNotOp(), either)
        },
        OperationRule(.numpy, "Isclose", ["x1", "x2", "rtol", "atol"]) { call, context in
          let p = try call.promoted(["x1", "x2"], float: true, in: &context)
          let size = try context.mul(
            try context.scalar(try call.double("rtol", default: 1e-5), like: p[1]), try context.apply(AbsOp(), p[1]))
          let bound = try context.add(try context.scalar(try call.double("atol", default: 1e-8), like: p[1]), size)
          let distance = try context.apply(AbsOp(), try context.sub(p[0], p[1]))
          return try context.apply(
            LogicalOrOp(), try context.apply(LessOrEqualOp(), distance, bound), try context.apply(EqualOp(), p[0], p[1]))
        },
        OperationRule(.numpy, "Where", ["condition", "x1", "x2"]) { call, context in
          guard call.has("x1"), call.has("x2") else { throw call.unsupported("the indices of true elements have no fixed number") }
          let condition = try context.cast(try call.tensor("condition", in: &context), to: .bool)
          let p = try call.promoted(["x1", "x2"], in: &context)
          return try context.select(condition, p[0], p[1])
        },
        OperationRule(.numpy, "Select", ["condlist", "choicelist", "default"]) { call, context in
          let conditions = try call.tensors("condlist", in: &context), choices = try call.tensors("choicelist", in: &context)
          guard conditions.count == choices.count, let dtype = choices.first?.fact.type.dtype else {
            throw call.mismatch("choicelist", "as many choices as conditions")
          }
          var result = call.has("default") ? try call.tensor("default", in: &context) : try context.scalar(0, dtype: dtype)
          result = try context.cast(result, to: dtype)
          for (condition, choice) in zip(conditions, choices).reversed() {
            result = try context.select(try context.cast(condition, to: .bool), choice, result)
          }
          return result
        },
      ],
      writers: [
        OperationWriteRule(LogicalNotOp.self) { _, inputs, writer in try writer.unary("LogicalNot", try inputs.at(0)) },
        OperationWriteRule(IsNaNOp.self) { _, inputs, writer in try writer.unary("Isnan", try inputs.at(0)) },
        OperationWriteRule(IsInfOp.self) { op, inputs, writer in
          let x = try inputs.at(0)
          switch (op.detectNegative, op.detectPositive) {
          case (true, true): return try writer.unary("Isinf", x)
          case (false, true): return try writer.unary("Isposinf", x)
          case (true, false): return try writer.unary("Isneginf", x)
          case (false, false): return try writer.binary("NotEqual", x, x)
          }
        },
        OperationWriteRule(WhereOp.self) { _, inputs, writer in
          try writer.call(.numpy, "Where", [.tensor(try inputs.at(0)), .tensor(try inputs.at(1)), .tensor(try inputs.at(2))])
        },
      ]),
  ].reduce(OperationFamily(), +)

  private static func test(_ className: String, _ op: any Op) -> OperationRule {
    OperationRule(.numpy, className) { call, context in
      let x = try call.tensor("x", in: &context)
      return x.fact.type.dtype.isFloatingPoint ? try context.apply(op, x) : try context.apply(NotEqualOp(), x, x)
    }
  }
  private static func logical<O: Op>(_ className: String, _ op: O) -> OperationFamily {
    OperationFamily(
      rules: [
        OperationRule(.numpy, className, ["x1", "x2"]) { call, context in
          let a = try context.cast(try call.tensor("x1", in: &context), to: .bool)
          let b = try context.cast(try call.tensor("x2", in: &context), to: .bool)
          return try context.apply(op, a, b)
        }
      ],
      writers: [
        OperationWriteRule(O.self) { _, inputs, writer in
          try writer.call(.numpy, className, [.tensor(try inputs.at(0)), .tensor(try inputs.at(1))])
        }
      ])
  }
}
