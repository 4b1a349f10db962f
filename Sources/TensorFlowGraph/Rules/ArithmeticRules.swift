import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

let arithmeticRules: [NodeRule] = unaryArithmeticRules + binaryArithmeticRules + variadicArithmeticRules + complexRules

private let unaryArithmeticRules: [NodeRule] = [
  .rule(
    "Exp", ExpOp.self,
    read: { n, g in
      let x = try n.input(0)
      guard g.isComplex(x) else { return [try g.apply(ExpOp(), x)] }
      let size = try g.apply(ExpOp(), try g.part(x, 0)), angle = try g.part(x, 1)
      return [try g.complex(try g.mul(size, try g.apply(CosOp(), angle)), try g.mul(size, try g.apply(SinOp(), angle)))]
    }, write: { _, x, w in [try w.emit("Exp", x.values)] }),
  .same("Log", LogOp()), .same("Sqrt", SqrtOp()), .same("Square", SquareOp()), .same("Rsqrt", RsqrtOp()),
  .same("Expm1", Expm1Op()), .same("Log1p", Log1pOp()),
  .same("Sin", SinOp()), .same("Cos", CosOp()), .same("Tan", TanOp()), .same("Asin", AsinOp()), .same("Acos", AcosOp()),
  .same("Atan", AtanOp()), .same("Sinh", SinhOp()), .same("Cosh", CoshOp()), .same("Asinh", AsinhOp()), .same("Acosh", AcoshOp()),
  .same("Atanh", AtanhOp()), .same("Erf", ErfOp()),
  .same("Reciprocal", ReciprocalOp()), .reads("Inv") { n, g in [try g.apply(ReciprocalOp(), try n.input(0))] },
  .fractions("Floor", FloorOp()), .fractions("Ceil", CeilOp()), .fractions("Round", RoundOp()),
  .reads("Rint") { n, g in [try g.apply(RoundOp(), try n.input(0))] },
  .rule(
    "Abs", AbsOp.self, read: { n, g in [try g.apply(AbsOp(), try n.input(0))] },
    write: { _, x, w in
      let x = try x.required(0)
      return [try w.emit(x.type.dtype.isUnsignedInteger ? "Identity" : "Abs", [x])]
    }),
  .rule(
    "Neg", NegOp.self,
    read: { n, g in
      let x = try n.input(0)
      guard g.isComplex(x) else { return [try g.apply(NegOp(), x)] }
      return [try g.apply(ComplexFromPartsOp(), try g.apply(NegOp(), try g.apply(ComplexPartsOp(), x)))]
    },
    write: { _, x, w in
      let x = try x.required(0)
      if x.type.dtype.isUnsignedInteger { return [try w.sub(try w.scalar(0, like: x), x)] }
      return [try w.emit("Neg", [x])]
    }),
  .rule(
    "Sign", SignOp.self, read: { n, g in [try g.apply(SignOp(), try n.input(0))] },
    write: { _, x, w in
      let x = try x.required(0), dtype = x.type.dtype
      if dtype.isFloatingPoint || dtype == .int32 || dtype == .int64 { return [try w.emit("Sign", [x])] }
      if dtype.isUnsignedInteger { return [try w.minimum(x, try w.scalar(1, like: x))] }
      return [try w.cast(try w.emit("Sign", [try w.cast(x, to: .int32)]), to: dtype)]
    }),
  .rule(
    "Erfc", ErfcOp.self, read: { n, g in [try g.apply(ErfcOp(), try n.input(0))] },
    write: { _, x, w in
      let x = try x.required(0)
      if w.dialect == .tensorFlow { return [try w.emit("Erfc", [x])] }
      return [try w.sub(try w.scalar(1, like: x), try w.apply(ErfOp(), x))]
    }),
  .rule(
    "Erfinv", ErfinvOp.self, read: { n, g in [try g.apply(ErfinvOp(), try n.input(0))] },
    write: { _, x, w in
      let x = try x.required(0)
      guard w.dialect == .tensorFlow else { return [try ErfinvOp.polynomials(x, in: &w)] }
      if x.type.dtype == .float32 || x.type.dtype == .float64 { return [try w.emit("Erfinv", [x])] }
      return [try w.cast(try w.emit("Erfinv", [try w.cast(x, to: .float32)]), to: x.type.dtype)]
    }),
  // √2 · erf⁻¹(2x − 1).
  .reads("Ndtri") { n, g in
    let x = try n.input(0)
    let centred = try g.sub(try g.mul(x, try g.scalar(2, like: x)), try g.scalar(1, like: x))
    return [try g.mul(try g.apply(ErfinvOp(), centred), try g.scalar(2.0.squareRoot(), like: x))]
  },
  .writes(TruncOp.self) { _, x, w in
    let x = try x.required(0)
    if x.type.dtype.isInteger { return [try w.emit("Identity", [x])] }
    return [try w.mul(try w.apply(SignOp(), x), try w.apply(FloorOp(), try w.apply(AbsOp(), x)))]
  },
  .rule(
    "Invert", BitwiseNotOp.self, read: { n, g in [try g.apply(BitwiseNotOp(), try n.input(0))] },
    write: { _, x, w in
      let x = try x.required(0)
      if w.dialect == .tensorFlow { return [try w.emit("Invert", [x])] }
      return [try w.sub(try w.scalar(-1, like: x), x)]
    }),
  .reads("Lgamma") { n, g in [try g.apply(LgammaOp(), try n.input(0))] },
  .writes(LgammaOp.self) { _, x, w in
    guard w.dialect == .tensorFlow else { throw UnsupportedError("TensorFlow.js has no Lgamma") }
    return [try w.emit("Lgamma", x.values)]
  },
  .reads("Digamma") { n, g in [try g.apply(DigammaOp(), try n.input(0))] },
  .writes(DigammaOp.self) { _, x, w in
    guard w.dialect == .tensorFlow else { throw UnsupportedError("TensorFlow.js has no Digamma") }
    return [try w.emit("Digamma", x.values)]
  },
  .reads("PopulationCount") { n, g in
    let x = try n.input(0), one = try g.scalar(1, like: x)
    guard let bits = g.type(of: x).dtype.bitWidth else { throw UnsupportedError("bits of values without a size") }
    var sum: ValueID?
    for bit in 0..<bits {
      let shifted = bit == 0 ? x : try g.apply(BitShiftOp(left: false), x, try g.scalar(Double(bit), like: x))
      let set = try g.cast(try g.apply(BitwiseAndOp(), shifted, one), to: .uint8)
      sum = try sum.map { try g.add($0, set) } ?? set
    }
    return sum.map { [$0] } ?? []
  },
]

private let binaryArithmeticRules: [NodeRule] = [
  .rule(
    "AddV2", AddOp.self, read: { n, g in [try n.arithmetic("+", &g) { try $2.add($0, $1) }] },
    write: { _, x, w in [try w.emit("AddV2", x.values)] }),
  .reads("Add") { n, g in
    if g.type(of: try n.input(0)).dtype == .string { return [try g.apply(StringConcatOp(), try n.input(0), try n.input(1))] }
    return [try n.arithmetic("+", &g) { try $2.add($0, $1) }]
  },
  .rule(
    "Sub", SubOp.self, read: { n, g in [try n.arithmetic("-", &g) { try $2.sub($0, $1) }] },
    write: { _, x, w in [try w.emit("Sub", x.values)] }),
  .rule(
    "Mul", MulOp.self, read: { n, g in [try n.arithmetic("*", &g) { try $2.mul($0, $1) }] },
    write: { _, x, w in [try w.emit("Mul", x.values)] }),
  .same("Maximum", MaximumOp()), .same("Minimum", MinimumOp()),
  .rule(
    "RealDiv", DivOp.self, read: { n, g in [try n.arithmetic("/", &g) { try $2.div($0, $1) }] },
    write: { _, x, w in
      let isFloat = try x.required(0).type.dtype.isFloatingPoint
      return [try w.emit(isFloat ? "RealDiv" : w.dialect == .tensorFlow ? "TruncateDiv" : "Div", x.values)]
    }),
  .reads("Div") { n, g in [try g.div(try n.input(0), try n.input(1))] },
  .reads("TruncateDiv") { n, g in
    let quotient = try g.div(try n.input(0), try n.input(1))
    return [g.type(of: quotient).dtype.isFloatingPoint ? try g.apply(TruncOp(), quotient) : quotient]
  },
  .same("FloorDiv", FloorDivOp()),
  .rule(
    "FloorMod", ModOp.self, read: { n, g in [try g.apply(ModOp(), try n.input(0), try n.input(1))] },
    write: { op, x, w in
      let a = try x.required(0), b = try x.required(1)
      if !op.fmod { return [try w.emit("FloorMod", [a, b])] }
      if w.dialect == .tensorFlow, [.float32, .float64, .int32, .int64].contains(a.type.dtype) { return [try w.emit("Mod", [a, b])] }
      return [try w.sub(a, try w.mul(try w.apply(TruncOp(), try w.div(a, b)), b))]
    }),
  .reads("Mod") { n, g in [try g.apply(ModOp(fmod: true), try n.input(0), try n.input(1))] },
  .reads("TruncateMod") { n, g in [try g.apply(ModOp(fmod: true), try n.input(0), try n.input(1))] },
  .rule(
    "Pow", PowOp.self, read: { n, g in [try g.pow(try n.input(0), try n.input(1))] },
    write: { _, x, w in
      var base = try x.required(0), exponent = try x.required(1)
      let dtype = base.type.dtype, own: Set<DType> = [.float16, .bfloat16, .float32, .float64, .int8, .int16, .int32, .int64]
      if exponent.type.dtype != dtype { exponent = try w.cast(exponent, to: dtype) }
      if own.contains(dtype) { return [try w.emit("Pow", [base, exponent])] }
      base = try w.cast(base, to: .int64)
      exponent = try w.cast(exponent, to: .int64)
      return [try w.cast(try w.emit("Pow", [base, exponent]), to: dtype)]
    }),
  .rule(
    "Atan2", Atan2Op.self, read: { n, g in [try g.apply(Atan2Op(), try n.input(0), try n.input(1))] },
    write: { _, x, w in [try w.emit("Atan2", x.values)] }),
  .reads("SquaredDifference") { n, g in [try g.apply(SquareOp(), try g.sub(try n.input(0), try n.input(1)))] },
  // 0 where a factor or the divisor is 0, whatever the other says.
  .reads("MulNoNan") { n, g in
    let x = try n.input(0), y = try n.input(1)
    return [try g.zero(where: y, in: try g.mul(x, y))]
  },
  .reads("DivNoNan") { n, g in
    let x = try n.input(0), y = try n.input(1)
    return [try g.zero(where: y, in: try g.div(x, try g.one(where: y, in: y)))]
  },
  .reads("Xlogy") { n, g in
    let x = try n.input(0), y = try n.input(1)
    return [try g.mul(x, try g.apply(LogOp(), try g.one(where: x, in: y)))]
  },
  .reads("Xlog1py") { n, g in
    let x = try n.input(0), y = try n.input(1)
    return [try g.zero(where: x, in: try g.mul(x, try g.apply(Log1pOp(), y)))]
  },
  .reads("Xdivy") { n, g in
    let x = try n.input(0), y = try n.input(1)
    return [try g.zero(where: x, in: try g.div(x, try g.one(where: x, in: y)))]
  },
  .bitwise("BitwiseAnd", BitwiseAndOp()), .bitwise("BitwiseOr", BitwiseOrOp()), .bitwise("BitwiseXor", BitwiseXorOp()),
  .rule(
    "LeftShift", BitShiftOp.self, read: { n, g in [try g.apply(BitShiftOp(left: true), try n.input(0), try n.shift(in: &g))] },
    write: { op, x, w in
      guard w.dialect == .tensorFlow else { throw UnsupportedError("TensorFlow.js has no shifts") }
      return [try w.emit(op.left ? "LeftShift" : "RightShift", x.values)]
    }),
  .reads("RightShift") { n, g in [try g.apply(BitShiftOp(left: false), try n.input(0), try n.shift(in: &g))] },
  .reads("BiasAdd") { n, g in
    let x = try n.input(0), bias = try n.input(1)
    guard try n.string("data_format") == "NCHW" else { return [try g.add(x, bias)] }
    let rank = try g.rank(of: x)
    return [try g.add(x, rank > 2 ? try g.unsqueeze(bias, Array(1...(rank - 2))) : bias)]
  },
  .reads("BiasAddV1") { n, g in [try g.add(try n.input(0), try n.input(1))] },
]

private let variadicArithmeticRules: [NodeRule] = [
  .reads("AddN") { n, g in [try n.sum(&g)] },
  .reads("AccumulateNV2") { n, g in [try n.sum(&g)] },
  .reads("AccumulateNV2") { n, g in [try n.sum(&g)] },
]

extension NodeRule {
  /// Rounding: integers stay as they are, and TensorFlow does not take them.
  fileprivate static func fractions<O: Op>(_ type: String, _ op: O) -> NodeRule {
    .rule(
      type, O.self, read: { n, g in [try g.apply(op, try n.input(0))] },
      write: { _, x, w in
        let x = try x.required(0)
        return [try w.emit(x.type.dtype.isInteger ? "Identity" : type, [x])]
      })
  }

  fileprivate static func bitwise<O: Op>(_ type: String, _ op: O) -> NodeRule {
    .rule(
      type, O.self, read: { n, g in [try g.apply(op, try n.input(0), try n.input(1))] },
      write: { _, x, w in
        guard w.dialect == .tensorFlow || type == "BitwiseAnd" else { throw UnsupportedError("TensorFlow.js has no \(type)") }
        return [try w.emit(type, x.values)]
      })
  }
}

extension NodeReader {
  /// Of complex numbers by their parts.
  fileprivate func arithmetic(
    _ sign: Character, _ g: inout GraphContext, _ op: (ValueID, ValueID, inout GraphContext) throws -> ValueID
  ) throws -> ValueID {
    let a = try input(0), b = try input(1)
    return g.isComplex(a) ? try g.complexArithmetic(sign, a, b) : try op(a, b, &g)
  }

  fileprivate func sum(_ g: inout GraphContext) throws -> ValueID {
    var result = try input(0)
    for value in inputs.dropFirst() { result = try g.add(result, value) }
    return result
  }
}

extension OpContext {
  /// `result`, with 0 where `value` is 0.
  fileprivate mutating func zero(where value: Value, in result: Value) throws -> Value {
    let isZero = try apply(EqualOp(), value, try scalar(0, like: value))
    return try select(isZero, try scalar(0, like: result), result)
  }
  /// `other`, with 1 where `value` is 0: what is left out of a result is to give no gradient that is no number.
  fileprivate mutating func one(where value: Value, in other: Value) throws -> Value {
    let isZero = try apply(EqualOp(), value, try scalar(0, like: value))
    return try select(isZero, try scalar(1, like: other), other)
  }
}

extension NodeReader {
  /// By how many bits a shift goes: TensorFlow's kernel holds it between 0 and the last bit.
  fileprivate func shift(in g: inout GraphContext) throws -> ValueID {
    let by = try input(1), last = (g.type(of: by).dtype.bitWidth ?? 64) - 1
    if let known = g.fact(of: by).constant, known.elementCount <= 1 << 16, let values = try known.array().integers(),
      values.allSatisfy({ (0...last).contains($0) })
    {
      return by
    }
    let held = try g.minimum(by, try g.scalar(Double(last), like: by))
    return try g.maximum(held, try g.scalar(0, like: by))
  }
}
