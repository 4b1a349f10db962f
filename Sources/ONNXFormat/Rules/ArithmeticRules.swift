import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

let arithmeticRules: [NodeRule] = unaryArithmeticRules + binaryArithmeticRules + variadicArithmeticRules

private let unaryArithmeticRules: [NodeRule] = [
  .same("Abs", AbsOp()), .same("Neg", NegOp()), .same("Sign", SignOp()),
  .same("Ceil", CeilOp()), .same("Floor", FloorOp()), .same("Round", RoundOp()),
  .same("Exp", ExpOp()), .same("Log", LogOp()), .same("Sqrt", SqrtOp()), .same("Reciprocal", ReciprocalOp()),
  .same("Sin", SinOp()), .same("Cos", CosOp()), .same("Tan", TanOp()),
  .same("Asin", AsinOp()), .same("Acos", AcosOp()), .same("Atan", AtanOp()),
  .same("Sinh", SinhOp()), .same("Cosh", CoshOp()),
  .same("Asinh", AsinhOp()), .same("Acosh", AcoshOp()), .same("Atanh", AtanhOp()),
  .same("Erf", ErfOp()), .same("Det", DetOp()),
  .rule(
    "BitwiseNot", BitwiseNotOp.self, read: { n, g in [try g.apply(BitwiseNotOp(), try n.input(0))] },
    write: { op, inputs, w in
      let x = try inputs.required(0)
      if w.opset >= 18 { return [try w.emit("BitwiseNot", [x])] }
      // In two's complement, and modulo 2ⁿ for unsigned types.
      if x.type.dtype.isSignedInteger { return [try w.sub(try w.scalar(-1, like: x), x)] }
      throw UnsupportedError("needs opset 18")
    }),
  .writes(RsqrtOp.self) { op, x, w in [try w.apply(ReciprocalOp(), try w.apply(SqrtOp(), try x.required(0)))] },
  .writes(SquareOp.self) { op, x, w in [try w.mul(try x.required(0), try x.required(0))] },
  .writes(TruncOp.self) { op, inputs, w in
    let x = try inputs.required(0)
    if x.type.dtype.isInteger { return [x] }
    return [try w.mul(try w.apply(SignOp(), x), try w.apply(FloorOp(), try w.apply(AbsOp(), x)))]
  },
  .writes(ErfcOp.self) { op, inputs, w in
    let x = try inputs.required(0)
    return [try w.sub(try w.scalar(1, like: x), try w.apply(ErfOp(), x))]
  },
  // tanh(x / 2) · (exp(x) + 1) keeps the digits near 0.
  .writes(Expm1Op.self) { op, inputs, w in
    let x = try inputs.required(0)
    let tanh = try w.apply(TanhOp(), try w.mul(x, try w.scalar(0.5, like: x)))
    return [try w.mul(tanh, try w.add(try w.apply(ExpOp(), x), try w.scalar(1, like: x)))]
  },
  // log(u) · x / (u − 1) with u = 1 + x cancels the rounding of u (Kahan).
  .writes(Log1pOp.self) { op, inputs, w in
    let x = try inputs.required(0), one = try w.scalar(1, like: x)
    let u = try w.add(x, one), log = try w.apply(LogOp(), u)
    let exact = try w.mul(log, try w.div(x, try w.sub(u, one)))
    let small = try w.apply(EqualOp(), u, one), large = try w.apply(GreaterOp(), x, try w.scalar(100, like: x))
    return [try w.select(small, x, try w.select(large, log, exact))]
  },
  .writes(ErfinvOp.self) { op, inputs, w in [try ErfinvOp.polynomials(try inputs.required(0), in: &w)] },
]

private let binaryArithmeticRules: [NodeRule] = [
  .broadcasting("Add", AddOp()), .broadcasting("Sub", SubOp()), .broadcasting("Mul", MulOp()),
  .broadcasting("Div", DivOp()),
  .rule(
    "Pow", PowOp.self,
    read: { n, g in
      let operands = try n.operands(in: &g)
      let base = operands[0], exponent = operands[1]
      let a = g.type(of: base).dtype, b = g.type(of: exponent).dtype
      if a == b { return [try g.apply(PowOp(), base, exponent)] }
      if a.isFloatingPoint { return [try g.apply(PowOp(), base, try g.cast(exponent, to: a))] }
      // An integer to a fraction: computed as floats, then cut.
      if b.isFloatingPoint { return [try g.cast(try g.apply(PowOp(), try g.cast(base, to: b), exponent), to: a)] }
      return [try g.apply(PowOp(), base, try g.cast(exponent, to: a))]
    },
    write: { op, x, w in [try w.emit("Pow", x.values, as: try broadcastType(x))] }),
  .rule(
    "Mod", ModOp.self, read: { n, g in [try g.apply(ModOp(fmod: try n.flag("fmod")), try n.input(0), try n.input(1))] },
    write: { op, x, w in
      let a = try x.required(0), b = try x.required(1), type = try broadcastType(x)
      if op.fmod || a.type.dtype.isInteger {
        return [try w.emit("Mod", [a, b], ["fmod": .flag(op.fmod)], as: type)]
      }
      // ONNX knows the remainder of floats with the sign of the dividend only.
      let remainder = try w.emit("Mod", [a, b], ["fmod": .int(1)], as: type)
      let zero = try w.scalar(0, like: a)
      let differs = try w.apply(LogicalXorOp(), try w.apply(LessOp(), remainder, zero), try w.apply(LessOp(), b, zero))
      let isExact = try w.apply(EqualOp(), remainder, zero)
      let wrong = try w.apply(LogicalAndOp(), differs, try w.apply(LogicalNotOp(), isExact))
      return [try w.select(wrong, try w.add(remainder, b), remainder)]
    }),
  .writes(FloorDivOp.self) { op, x, w in
    let a = try x.required(0), b = try x.required(1)
    let quotient = try w.div(a, b)
    if a.type.dtype.isFloatingPoint { return [try w.apply(FloorOp(), quotient)] }
    if a.type.dtype.isUnsignedInteger { return [quotient] }
    let zero = try w.scalar(0, like: a), rest = try w.sub(a, try w.mul(quotient, b))
    let differs = try w.apply(LogicalXorOp(), try w.apply(LessOp(), rest, zero), try w.apply(LessOp(), b, zero))
    let isExact = try w.apply(EqualOp(), rest, zero)
    let wrong = try w.apply(LogicalAndOp(), differs, try w.apply(LogicalNotOp(), isExact))
    return [try w.select(wrong, try w.sub(quotient, try w.scalar(1, like: a)), quotient)]
  },
  .writes(Atan2Op.self) { op, x, w in
    let y = try x.required(0), x = try x.required(1)
    let zero = try w.scalar(0, like: x), pi = try w.scalar(.pi, like: x), half = try w.scalar(.pi / 2, like: x)
    let angle = try w.apply(AtanOp(), try w.div(y, x))
    let isBelow = try w.apply(LessOp(), y, zero), isLeft = try w.apply(LessOp(), x, zero)
    let turned = try w.select(isBelow, try w.sub(angle, pi), try w.add(angle, pi))
    let upright = try w.mul(try w.apply(SignOp(), y), half)
    return [try w.select(try w.apply(EqualOp(), x, zero), upright, try w.select(isLeft, turned, angle))]
  },
  .rule(
    "BitShift", BitShiftOp.self,
    read: { n, g in [try g.apply(BitShiftOp(left: try n.string("direction") != "RIGHT"), try n.input(0), try n.input(1))] },
    write: { op, x, w in
      if try x.required(0).type.dtype.isSignedInteger { return [try signedShift(op, x, &w)] }
      return [try w.emit("BitShift", x.values, ["direction": .string(op.left ? "LEFT" : "RIGHT")], as: try broadcastType(x))]
    }),
  .bitwise("BitwiseAnd", BitwiseAndOp()), .bitwise("BitwiseOr", BitwiseOrOp()), .bitwise("BitwiseXor", BitwiseXorOp()),
]

private let variadicArithmeticRules: [NodeRule] = [
  .rule(
    "Max", MaximumOp.self, read: { n, g in [try n.fold(&g) { try $2.maximum($0, $1) }] },
    write: { op, x, w in [try w.emit("Max", x.values, as: try broadcastType(x))] }),
  .rule(
    "Min", MinimumOp.self, read: { n, g in [try n.fold(&g) { try $2.minimum($0, $1) }] },
    write: { op, x, w in [try w.emit("Min", x.values, as: try broadcastType(x))] }),
  .reads("Sum") { n, g in [try n.fold(&g) { try $2.add($0, $1) }] },
  .reads("Mean") { n, g in
    let sum = try n.fold(&g) { try $2.add($0, $1) }
    return [n.inputs.count == 1 ? sum : try g.div(sum, try g.scalar(Double(n.inputs.count), like: sum))]
  },
]

extension NodeRule {
  /// A binary operator; before opset 7 it broadcasts only when told to.
  static func broadcasting<O: Op>(_ type: String, _ op: O) -> NodeRule {
    .rule(
      type, O.self,
      read: { n, g in try g.apply(op, to: try n.operands(in: &g)) },
      write: { op, x, w in
        let result = try broadcastType(x), dtype = result.dtype
        // Before opset 14 these take integers of 32 and 64 bits only.
        if w.opset < 14, dtype.isInteger, let bits = dtype.bitWidth, bits < 32 {
          let wide = try x.values.map { try $0.map { try w.cast($0, to: .int32) } }
          return [try w.cast(try w.emit(type, wide, as: TensorType(.int32, result.shape)), to: dtype)]
        }
        return [try w.emit(type, x.values, as: result)]
      })
  }

  fileprivate static func bitwise<O: Op>(_ type: String, _ op: O) -> NodeRule {
    .rule(
      type, O.self, read: { n, g in [try g.apply(op, try n.input(0), try n.input(1))] },
      write: { op, x, w in
        guard w.opset >= 18 else { throw UnsupportedError("needs opset 18") }
        return [try w.emit(type, x.values, as: try broadcastType(x))]
      })
  }
}

/// The type of what broadcasts, in the dtype of the first.
func broadcastType(_ inputs: RuleInputs) throws -> TensorType {
  TensorType(try inputs.required(0).type.dtype, try broadcast(inputs.values.compactMap { $0?.type.shape }))
}

extension NodeReader {
  /// All inputs combined from the left; one alone is a result by itself.
  fileprivate func fold(
    _ g: inout GraphContext, _ combine: (ValueID, ValueID, inout GraphContext) throws -> ValueID
  ) throws -> ValueID {
    var result = try input(0)
    for index in inputs.indices.dropFirst() { result = try combine(result, try input(index), &g) }
    return result
  }
}

/// A shift of signed integers, which ONNX has not: to the left as the bits without a sign, to the right as a division that rounds down.
private func signedShift(_ op: BitShiftOp, _ x: RuleInputs, _ w: inout NodeWriter) throws -> OutValue {
  let a = try x.required(0), b = try x.required(1), dtype = a.type.dtype
  if op.left {
    let bits: [DType: DType] = [.int8: .uint8, .int16: .uint16, .int32: .uint32, .int64: .uint64]
    guard let plain = bits[dtype] else { throw UnsupportedError("ONNX does not shift \(dtype)") }
    let type = TensorType(plain, try broadcastType(x).shape)
    let shifted = try w.emit("BitShift", [try w.cast(a, to: plain), try w.cast(b, to: plain)], ["direction": .string("LEFT")], as: type)
    return try w.cast(shifted, to: dtype)
  }
  let value = try w.cast(a, to: .int64), count = try w.cast(b, to: .int64)
  let table = try w.constant(NDArray((0..<63).map { Int64(1) << Int64($0) }, [63]))
  let power = try w.gather(table, try w.clip(count, min: 0, max: 62), axis: 0)
  let rest = try w.apply(ModOp(), value, power)
  var result = try w.div(try w.sub(value, rest), power)
  if dtype == .int64 {
    // Nothing but the sign is left.
    let isNegative = try w.apply(LessOp(), value, try w.scalar(0, like: value))
    let sign = try w.select(isNegative, try w.scalar(-1, like: value), try w.scalar(0, like: value))
    result = try w.select(try w.apply(LessOp(), try w.scalar(62, like: count), count), sign, result)
  }
  return try w.cast(result, to: dtype)
}
