import ModelGraph
import ModelOps
import ModelTensor

extension OperationRules {
  static let arithmetic: OperationFamily = functions + operators + derived

  private static let functions: OperationFamily = [
    .unary(.numpy, "Absolute", AbsOp(), float: false, also: ["Abs"]),
    .unary(.numpy, "Negative", NegOp(), float: false),
    .unary(.numpy, "Sign", SignOp(), float: false),
    .unary(.numpy, "Square", SquareOp(), float: false),
    .unary(.numpy, "BitwiseInvert", BitwiseNotOp(), float: false, also: ["BitwiseNot"]),
    .unary(.numpy, "Reciprocal", ReciprocalOp()),
    .unary(.numpy, "Sqrt", SqrtOp()), .unary(.math, "Rsqrt", RsqrtOp()),
    .unary(.numpy, "Exp", ExpOp()), .unary(.numpy, "Expm1", Expm1Op()),
    .unary(.numpy, "Log", LogOp()), .unary(.numpy, "Log1p", Log1pOp()),
    .unary(.numpy, "Sin", SinOp()), .unary(.numpy, "Cos", CosOp()), .unary(.numpy, "Tan", TanOp()),
    .unary(.numpy, "Arcsin", AsinOp()), .unary(.numpy, "Arccos", AcosOp()), .unary(.numpy, "Arctan", AtanOp()),
    .unary(.numpy, "Sinh", SinhOp()), .unary(.numpy, "Cosh", CoshOp()),
    .unary(.numpy, "Arcsinh", AsinhOp()), .unary(.numpy, "Arccosh", AcoshOp()), .unary(.numpy, "Arctanh", AtanhOp()),
    .unary(.math, "Erf", ErfOp()), .unary(.math, "Erfc", ErfcOp()), .unary(.math, "Erfinv", ErfinvOp()),
    rounding("Ceil", CeilOp()), rounding("Floor", FloorOp()), rounding("Trunc", TruncOp()), round,
    OperationFamily(rules: [
      OperationRule(.numpy, "Fabs") { try $1.apply(AbsOp(), try $0.floating("x", in: &$1)) }
    ]),
  ].reduce(OperationFamily(), +)

  /// Integers become floats in Keras; the ops leave them as they are.
  private static func rounding<O: Op>(_ className: String, _ op: O) -> OperationFamily {
    OperationFamily(
      rules: [OperationRule(.numpy, className) { try $1.apply(op, try $0.floating("x", in: &$1)) }],
      writers: [
        OperationWriteRule(O.self) { _, inputs, writer in
          let x = try inputs.at(0)
          return x.dtype.isFloatingPoint ? try writer.unary(className, x) : x
        }
      ])
  }

  private static let round = OperationFamily(
    rules: [
      OperationRule(.numpy, "Round") { call, context in
        let x = try call.tensor("x", in: &context), decimals = try call.int("decimals", default: 0)
        if decimals == 0 || !x.fact.type.dtype.isFloatingPoint && decimals > 0 { return try context.apply(RoundOp(), x) }
        guard decimals.magnitude < 30 else { throw call.mismatch("decimals", "a small integer") }
        let wide = try context.cast(x, to: x.fact.type.dtype.kerasFloat)
        var power = 1.0
        for _ in 0..<decimals.magnitude { power *= 10 }
        let factor = try context.scalar(decimals < 0 ? 1 / power : power, like: wide)
        let rounded = try context.apply(RoundOp(), try context.mul(wide, factor))
        return try context.cast(try context.div(rounded, factor), to: x.fact.type.dtype)
      }
    ],
    writers: [
      OperationWriteRule(RoundOp.self) { _, inputs, writer in
        let x = try inputs.at(0)
        return x.dtype.isFloatingPoint ? try writer.call(.numpy, "Round", [.tensor(x)], ["decimals": 0]) : x
      }
    ])

  private static let operators: OperationFamily = [
    .binary(.numpy, "Add", AddOp()), .binary(.numpy, "Subtract", SubOp()), .binary(.numpy, "Multiply", MulOp()),
    .binary(.numpy, "Maximum", MaximumOp()), .binary(.numpy, "Minimum", MinimumOp()),
    .binary(.numpy, "FloorDivide", FloorDivOp()), .binary(.numpy, "Arctan2", Atan2Op(), float: true),
    .binary(.numpy, "BitwiseAnd", BitwiseAndOp(), arguments: ["x", "y"]),
    .binary(.numpy, "BitwiseOr", BitwiseOrOp(), arguments: ["x", "y"]),
    .binary(.numpy, "BitwiseXor", BitwiseXorOp(), arguments: ["x", "y"]),
    .binary(.numpy, "Divide", DivOp(), float: true, also: ["TrueDivide"], isWritten: false),
    .binary(.numpy, "Mod", ModOp(), isWritten: false), .binary(.numpy, "Fmod", ModOp(fmod: true), isWritten: false),
    .binary(.numpy, "Power", PowOp()),
    .binary(.numpy, "BitwiseLeftShift", BitShiftOp(left: true), arguments: ["x", "y"], also: ["LeftShift"], isWritten: false),
    .binary(.numpy, "BitwiseRightShift", BitShiftOp(left: false), arguments: ["x", "y"], also: ["RightShift"], isWritten: false),
    OperationFamily(writers: [
      OperationWriteRule(DivOp.self) { op, inputs, writer in
        let a = try inputs.at(0), b = try inputs.at(1)
        if a.dtype.isFloatingPoint { return try writer.binary("Divide", a, b) }
        if a.dtype.isUnsignedInteger {
          return try writer.binary("FloorDivide", a, b)
        }
        // Towards zero: of the magnitudes, with the sign put back.
        func split(_ x: WrittenTensor) throws -> (WrittenTensor, WrittenTensor) {
          if x.isConstant, let array = try constant(x)?.array() {
            let values = array.integers() ?? []
            let context = ExecutionContext(primitives: ReferencePrimitives())
            func made(_ values: [Int]) throws -> WrittenTensor {
              writer.constant(try NDArray(values.map(Int64.init), array.shape).cast(to: x.dtype, in: context))
            }
            return (try made(values.map { abs($0) }), try made(values.map { $0.signum() }))
          }
          return (try writer.unary("Absolute", x), try writer.unary("Sign", x))
        }
        let (size, sign) = try split(a), (divisor, otherSign) = try split(b)
        let quotient = try writer.binary("FloorDivide", size, divisor)
        return try writer.binary("Multiply", try writer.binary("Multiply", quotient, sign), otherSign)
      },
      OperationWriteRule(ModOp.self) { op, inputs, writer in
        try writer.binary(op.fmod ? "Fmod" : "Mod", try inputs.at(0), try inputs.at(1))
      },
      OperationWriteRule(BitShiftOp.self) { op, inputs, writer in
        try writer.binary(op.left ? "LeftShift" : "RightShift", try inputs.at(0), try inputs.at(1))
      },
    ]),
  ].reduce(OperationFamily(), +)

  static func constant(_ tensor: WrittenTensor) throws -> Tensor? {
    if case .constant(let constant) = tensor.source { constant } else { nil }
  }

  /// What Keras has and ONNX has not, from simpler ops.
  private static let derived = OperationFamily(rules: [
    OperationRule(.numpy, "Exp2") { call, context in
      let x = try call.floating("x", in: &context)
      return try context.pow(try context.scalar(2, like: x), x)
    },
    logarithm("Log2", 2), logarithm("Log10", 10),
    OperationRule(.numpy, "Cbrt") { call, context in
      let x = try call.floating("x", in: &context)
      let root = try context.pow(try context.apply(AbsOp(), x), try context.scalar(1.0 / 3, like: x))
      return try context.mul(try context.apply(SignOp(), x), root)
    },
    scaled("Deg2rad", Double.pi / 180), scaled("Rad2deg", 180 / Double.pi),
    OperationRule(.numpy, "Hypot", ["x1", "x2"]) { call, context in
      let p = try call.promoted(["x1", "x2"], float: true, in: &context)
      return try context.apply(SqrtOp(), try context.add(try context.apply(SquareOp(), p[0]), try context.apply(SquareOp(), p[1])))
    },
    OperationRule(.numpy, "Logaddexp", ["x1", "x2"]) { call, context in
      let p = try call.promoted(["x1", "x2"], float: true, in: &context)
      let distance = try context.apply(NegOp(), try context.apply(AbsOp(), try context.sub(p[0], p[1])))
      return try context.add(try context.maximum(p[0], p[1]), try context.apply(Log1pOp(), try context.apply(ExpOp(), distance)))
    },
    OperationRule(.numpy, "DivideNoNan", ["x1", "x2"]) { call, context in
      let p = try call.promoted(["x1", "x2"], float: true, in: &context)
      let zero = try context.scalar(0, like: p[1]), isZero = try context.apply(EqualOp(), p[1], zero)
      // No gradient is to come out of a division by zero.
      let divisor = try context.select(isZero, try context.scalar(1, like: p[1]), p[1])
      return try context.select(isZero, zero, try context.div(p[0], divisor))
    },
    OperationRule(.numpy, "Heaviside", ["x1", "x2"]) { call, context in
      let p = try call.promoted(["x1", "x2"], in: &context)
      let zero = try context.scalar(0, like: p[0])
      let above = try context.cast(try context.apply(GreaterOp(), p[0], zero), to: p[0].fact.type.dtype)
      return try context.select(try context.apply(EqualOp(), p[0], zero), p[1], above)
    },
    OperationRule(.numpy, "Sinc") { call, context in
      let x = try context.mul(
        try call.floating("x", in: &context), try context.scalar(.pi, dtype: try call.tensor("x", in: &context).fact.type.dtype.kerasFloat))
      let zero = try context.scalar(0, like: x), one = try context.scalar(1, like: x)
      let atZero = try context.apply(EqualOp(), x, zero)
      let safe = try context.select(atZero, one, x)
      return try context.select(atZero, one, try context.div(try context.apply(SinOp(), safe), safe))
    },
    OperationRule(.numpy, "NanToNum") { call, context in
      let x = try call.tensor("x", in: &context), dtype = x.fact.type.dtype
      guard dtype.isFloatingPoint else { return x }
      let largest = dtype == .float16 ? 65504.0 : dtype == .float64 ? Double.greatestFiniteMagnitude : Double(Float.greatestFiniteMagnitude)
      func replaced(_ x: RecordingContext.Value, _ test: any Op, _ value: Double) throws -> RecordingContext.Value {
        try context.select(try context.apply(test, x), try context.scalar(value, like: x), x)
      }
      let clean = try replaced(x, IsNaNOp(), try call.double("nan", default: 0))
      let low = try replaced(clean, IsInfOp(detectPositive: false), try call.double("neginf", default: -largest))
      return try replaced(low, IsInfOp(detectNegative: false), try call.double("posinf", default: largest))
    },
    OperationRule(.core, "StopGradient", ["variable"]) { call, context in
      try context.apply(IdentityOp(stopsGradient: true), try call.tensor("variable", in: &context))
    },
    OperationRule(.numpy, "Copy") { try $0.tensor("x", in: &$1) },
    OperationRule(.numpy, "Real") { try $0.tensor("x", in: &$1) },
    OperationRule(.numpy, "Conjugate") { try $0.tensor("x", in: &$1) },
    OperationRule(.core, "ConvertToTensor") { call, context in
      let x = try call.tensor("x", in: &context)
      return try context.cast(x, to: try call.dtype() ?? x.fact.type.dtype)
    },
    OperationRule(.numpy, "Array") { call, context in
      let x = try call.tensor("x", in: &context)
      return try context.cast(x, to: try call.dtype() ?? x.fact.type.dtype)
    },
    OperationRule(.core, "SaturateCast") { call, context in
      let x = try call.tensor("x", in: &context)
      guard let dtype = try call.dtype() else { throw call.mismatch("dtype", "a dtype") }
      guard !dtype.isFloatingPoint, let range = dtype.integerRange else { return try context.cast(x, to: dtype) }
      return try context.cast(try context.clip(x, min: range.lowerBound, max: range.upperBound), to: dtype)
    },
  ])

  private static func logarithm(_ className: String, _ base: Double) -> OperationRule {
    OperationRule(.numpy, className) { call, context in
      let x = try context.apply(LogOp(), try call.floating("x", in: &context))
      return try context.div(x, try context.apply(LogOp(), try context.scalar(base, like: x)))
    }
  }
  private static func scaled(_ className: String, _ factor: Double) -> OperationRule {
    OperationRule(.numpy, className) { call, context in
      let x = try call.floating("x", in: &context)
      return try context.mul(x, try context.scalar(factor, like: x))
    }
  }
}

extension DType {
  /// The least and the greatest integer, as far as a double has them.
  fileprivate var integerRange: ClosedRange<Double>? {
    switch self {
    case .int8: -128...127
    case .uint8: 0...255
    case .int16: -32768...32767
    case .uint16: 0...65535
    case .int32: -2147483648...2147483647
    case .uint32: 0...4294967295
    default: nil
    }
  }
}
