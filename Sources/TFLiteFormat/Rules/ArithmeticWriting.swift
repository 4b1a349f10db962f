import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

let arithmeticWriting: [WritingRule] = unaryWriting + binaryWriting

private let unaryWriting: [WritingRule] = [
  .float(.exp, ExpOp.self), .float(.log, LogOp.self), .float(.sqrt, SqrtOp.self), .float(.rsqrt, RsqrtOp.self),
  .float(.sin, SinOp.self), .float(.cos, CosOp.self),
  .fractions(.floor, FloorOp.self), .fractions(.ceil, CeilOp.self), .fractions(.round, RoundOp.self),
  .writes(SquareOp.self) { _, x, w in
    let x = try x.required(0)
    return [x.dtype == .float32 ? try w.emit(.square, [x]) : try w.mul(x, x)]
  },
  .writes(AbsOp.self) { _, x, w in
    let x = try x.required(0)
    if x.dtype.isUnsignedInteger { return [x] }
    if x.dtype == .float32 || x.dtype == .int32 { return [try w.emit(.abs, [x])] }
    if x.dtype.isInteger { return [try w.maximum(x, try w.apply(NegOp(), x))] }
    return [try w.inFloat(x) { try $1.emit(.abs, [$0]) }]
  },
  .writes(NegOp.self) { _, x, w in
    let x = try x.required(0)
    if [.float32, .int32, .int64].contains(x.dtype) { return [try w.emit(.neg, [x])] }
    if x.dtype.isInteger { return [try w.cast(try w.emit(.neg, [try w.cast(x, to: .int32)]), to: x.dtype)] }
    return [try w.inFloat(x) { try $1.emit(.neg, [$0]) }]
  },
  .writes(SignOp.self) { _, x, w in
    let x = try x.required(0)
    if x.dtype == .float32 || x.dtype == .int32 { return [try w.emit(.sign, [x])] }
    if x.dtype == .int64 || x.dtype.isUnsignedInteger {
      // One more than the number of zeros it is above, and so on.
      let zero = try w.scalar(0, like: x)
      let above = try w.cast(try w.apply(GreaterOp(), x, zero), to: x.dtype)
      if x.dtype.isUnsignedInteger { return [above] }
      return [try w.sub(above, try w.cast(try w.apply(LessOp(), x, zero), to: x.dtype))]
    }
    if x.dtype.isInteger { return [try w.cast(try w.emit(.sign, [try w.cast(x, to: .int32)]), to: x.dtype)] }
    return [try w.inFloat(x) { try $1.emit(.sign, [$0]) }]
  },
  .writes(ReciprocalOp.self) { _, x, w in
    let x = try x.required(0)
    return [try w.div(try w.scalar(1, like: x), x)]
  },
  .writes(TruncOp.self) { _, x, w in
    let x = try x.required(0)
    if x.dtype.isInteger { return [x] }
    return [try w.mul(try w.apply(SignOp(), x), try w.apply(FloorOp(), try w.apply(AbsOp(), x)))]
  },
  .writes(TanOp.self) { _, x, w in
    let x = try x.required(0)
    return [try w.div(try w.apply(SinOp(), x), try w.apply(CosOp(), x))]
  },
  .writes(SinhOp.self) { _, x, w in
    // (eˣ − e⁻ˣ) / 2; near 0, where that cancels, the first terms of the series.
    let x = try x.required(0), half = try w.scalar(0.5, like: x)
    let wide = try w.mul(half, try w.sub(try w.apply(ExpOp(), x), try w.apply(ExpOp(), try w.apply(NegOp(), x))))
    let near = try w.series(x, [1, 1.0 / 6, 1.0 / 120, 1.0 / 5040, 1.0 / 362880])
    return [try w.select(try w.apply(LessOp(), try w.apply(AbsOp(), x), try w.scalar(1, like: x)), near, wide)]
  },
  .writes(CoshOp.self) { _, x, w in
    let x = try x.required(0), half = try w.scalar(0.5, like: x)
    return [try w.mul(half, try w.add(try w.apply(ExpOp(), x), try w.apply(ExpOp(), try w.apply(NegOp(), x))))]
  },
  .writes(AsinhOp.self) { _, x, w in
    // sign(x) · log1p(|x| + x² / (1 + √(x² + 1))).
    let x = try x.required(0), one = try w.scalar(1, like: x), square = try w.mul(x, x)
    let root = try w.apply(SqrtOp(), try w.add(square, one))
    let inner = try w.add(try w.apply(AbsOp(), x), try w.div(square, try w.add(one, root)))
    return [try w.mul(try w.apply(SignOp(), x), try w.apply(Log1pOp(), inner))]
  },
  .writes(AcoshOp.self) { _, x, w in
    // log(x + √(x−1)·√(x+1)).
    let x = try x.required(0), one = try w.scalar(1, like: x)
    let roots = try w.mul(try w.apply(SqrtOp(), try w.sub(x, one)), try w.apply(SqrtOp(), try w.add(x, one)))
    return [try w.apply(LogOp(), try w.add(x, roots))]
  },
  .writes(AtanhOp.self) { _, x, w in
    // (log1p(x) − log1p(−x)) / 2.
    let x = try x.required(0)
    let difference = try w.sub(try w.apply(Log1pOp(), x), try w.apply(Log1pOp(), try w.apply(NegOp(), x)))
    return [try w.mul(difference, try w.scalar(0.5, like: x))]
  },
  .writes(AtanOp.self) { _, x, w in
    let x = try x.required(0)
    return [try w.inFloat(x) { x, w in try w.emit(.atan2, try w.alike([x, try w.scalar(1, like: x)], x.type), as: x.type) }]
  },
  .writes(AsinOp.self) { _, x, w in
    // atan2(x, √((1 − x)(1 + x))).
    let x = try x.required(0), one = try w.scalar(1, like: x)
    let root = try w.apply(SqrtOp(), try w.mul(try w.sub(one, x), try w.add(one, x)))
    return [try w.inFloat(x) { y, w in try w.emit(.atan2, [y, try w.cast(root, to: .float32)], as: y.type) }]
  },
  .writes(AcosOp.self) { _, x, w in
    let x = try x.required(0), one = try w.scalar(1, like: x)
    let root = try w.apply(SqrtOp(), try w.mul(try w.sub(one, x), try w.add(one, x)))
    return [try w.inFloat(x) { y, w in try w.emit(.atan2, [try w.cast(root, to: .float32), y], as: y.type) }]
  },
  .writes(Atan2Op.self) { op, x, w in
    let y = try x.required(0), type = try w.types(op, x)[0]
    return [
      try w.cast(
        try w.emit(
          .atan2,
          try w.alike([try w.cast(y, to: .float32), try w.cast(try x.required(1), to: .float32)], TensorType(.float32, type.shape)),
          as: TensorType(.float32, type.shape)), to: y.dtype)
    ]
  },
  .writes(Expm1Op.self) { _, x, w in
    // tanh(x/2) · (eˣ + 1), exact near 0 as well.
    let x = try x.required(0), one = try w.scalar(1, like: x)
    let half = try w.apply(TanhOp(), try w.mul(x, try w.scalar(0.5, like: x)))
    let exp = try w.apply(ExpOp(), x)
    let isNear = try w.apply(LessOp(), try w.apply(AbsOp(), x), one)
    return [try w.select(isNear, try w.mul(half, try w.add(exp, one)), try w.sub(exp, one))]
  },
  .writes(Log1pOp.self) { _, x, w in
    // log(u) · x / (u − 1) with u = 1 + x, after Kahan; x itself where u is 1, log(u) where x is large.
    let x = try x.required(0), one = try w.scalar(1, like: x)
    let u = try w.add(one, x), rest = try w.sub(u, one), log = try w.apply(LogOp(), u)
    let isZero = try w.apply(EqualOp(), rest, try w.scalar(0, like: x))
    let corrected = try w.mul(log, try w.div(x, try w.select(isZero, one, rest)))
    let isLarge = try w.apply(GreaterOp(), x, try w.scalar(1e6, like: x))
    return [try w.select(isZero, x, try w.select(isLarge, log, corrected))]
  },
  .writes(ErfOp.self) { _, x, w in
    // GELU(√2·x) = √2·x·(1 + erf(x))/2, so erf(x) = 2·GELU(√2·x)/(√2·x) − 1; near 0 the series.
    let x = try x.required(0)
    return [
      try w.inFloat(x) { x, w in
        let scaled = try w.mul(x, try w.scalar(2.0.squareRoot(), like: x)), one = try w.scalar(1, like: x)
        let isNear = try w.apply(LessOp(), try w.apply(AbsOp(), x), try w.scalar(0.5, like: x))
        let ratio = try w.div(try w.emit(.gelu, [scaled], .geluOptions(GeluOptions())), try w.select(isNear, one, scaled))
        let wide = try w.sub(try w.add(ratio, ratio), one)
        // An infinite x has no ratio.
        let bounded = try w.select(
          try w.apply(GreaterOp(), try w.apply(AbsOp(), x), try w.scalar(6, like: x)), try w.apply(SignOp(), x), wide)
        let c = 1.1283791670955126
        let near = try w.series(x, [c, -c / 3, c / 10, -c / 42, c / 216, -c / 1320, c / 9360])
        return try w.select(isNear, near, bounded)
      }
    ]
  },
  .writes(ErfcOp.self) { _, x, w in
    let x = try x.required(0)
    return [try w.sub(try w.scalar(1, like: x), try w.apply(ErfOp(), x))]
  },
  .writes(ErfinvOp.self) { _, x, w in [try ErfinvOp.polynomials(try x.required(0), in: &w)] },
]

extension WritingRule {
  /// Rounding, which leaves integers alone.
  fileprivate static func fractions<O: Op>(_ builtin: BuiltinOperator, _ op: O.Type) -> WritingRule {
    writes(op) { _, x, w in
      let x = try x.required(0)
      if x.dtype.isInteger { return [x] }
      return [try w.inFloat(x) { try $1.emit(builtin, [$0]) }]
    }
  }
}

private let binaryWriting: [WritingRule] = [
  .binary(AddOp.self, [.float32, .int32, .int64], rank: 6) { a, b, type, w in
    try w.emit(.add, [a, b], .addOptions(AddOptions()), as: type)
  },
  .binary(SubOp.self, [.float32, .int32, .int64], rank: 5) { a, b, type, w in
    try w.emit(.sub, [a, b], .subOptions(SubOptions()), as: type)
  },
  .binary(MulOp.self, [.float32, .int32, .int64], rank: 6) { a, b, type, w in
    try w.emit(.mul, [a, b], .mulOptions(MulOptions()), as: type)
  },
  .binary(SquaredDifferenceOp.self, [.float32, .int32], rank: 4) { a, b, type, w in
    try w.emit(.squaredDifference, [a, b], .squaredDifferenceOptions(SquaredDifferenceOptions()), as: type)
  },
  .binary(DivOp.self, [.float32, .int32, .int64], rank: 4) { a, b, type, w in
    if type.dtype == .float32 { return try w.emit(.div, [a, b], .divOptions(DivOptions()), as: type) }
    // Integers are divided towards zero; LiteRT's operator for them rounds down.
    let top = try w.apply(AbsOp(), a), bottom = try w.apply(AbsOp(), b)
    let magnitude =
      type.dtype == .int64 ? try w.longQuotient(top, bottom) : try w.emit(.floorDiv, try w.alike([top, bottom], type), as: type)
    return try w.mul(magnitude, try w.mul(try w.apply(SignOp(), a), try w.apply(SignOp(), b)))
  },
  .binary(MaximumOp.self, [.float32, .int32, .int64, .uint8, .int8, .int16], rank: 5) { a, b, type, w in
    try w.emit(.maximum, [a, b], .maximumMinimumOptions(MaximumMinimumOptions()), as: type)
  },
  .binary(MinimumOp.self, [.float32, .int32, .int64, .uint8, .int8, .int16], rank: 5) { a, b, type, w in
    try w.emit(.minimum, [a, b], .maximumMinimumOptions(MaximumMinimumOptions()), as: type)
  },
  .binary(PowOp.self, [.float32, .int32], rank: 4) { a, b, type, w in try w.emit(.pow, [a, b], as: type) },
  .binary(FloorDivOp.self, [.float32, .int32, .int64], rank: 4) { a, b, type, w in
    guard type.dtype == .int64 else { return try w.emit(.floorDiv, [a, b], as: type) }
    // What is left over after rounding down divides evenly.
    let even = try w.sub(a, try w.emit(.floorMod, [a, b], as: type))
    let magnitude = try w.longQuotient(try w.apply(AbsOp(), even), try w.apply(AbsOp(), b))
    return try w.mul(magnitude, try w.mul(try w.apply(SignOp(), even), try w.apply(SignOp(), b)))
  },
  .binary(ModOp.self, [.float32, .int32, .int64], rank: 4) { a, b, type, w in try w.emit(.floorMod, [a, b], as: type) },
  .writes(ModOp.self) { op, x, w in
    let a = try x.required(0), b = try x.required(1)
    if op.fmod { return [try w.sub(a, try w.mul(try w.apply(TruncOp(), try w.div(a, b)), b))] }
    return [
      try w.binary(a, b, try w.types(op, x)[0], [.float32, .int32, .int64], rank: 4) { a, b, type, w in
        try w.emit(.floorMod, [a, b], as: type)
      }
    ]
  },
]

extension WritingRule {
  /// An operator on two tensors that broadcasts up to `rank` axes and computes in the given dtypes.
  fileprivate static func binary<O: Op>(
    _ op: O.Type, _ dtypes: Set<DType>, rank: Int,
    _ emit: @escaping @Sendable (OutValue, OutValue, TensorType, inout OperatorWriter) throws -> OutValue
  ) -> WritingRule {
    writes(op) { op, x, w in
      [try w.binary(try x.required(0), try x.required(1), try w.types(op, x)[0], dtypes, rank: rank, emit)]
    }
  }
}

extension OperatorWriter {
  /// Two tensors of one dtype, brought to one that is computed in, and to one shape where broadcasting is too wide.
  mutating func binary(
    _ a: OutValue, _ b: OutValue, _ type: TensorType, _ dtypes: Set<DType>, rank: Int,
    _ emit: (OutValue, OutValue, TensorType, inout OperatorWriter) throws -> OutValue
  ) throws -> OutValue {
    let dtype = a.dtype
    guard dtype != .string, dtype != .bool else { throw UnsupportedError("TFLite does not compute with \(dtype)") }
    let inner: DType =
      if dtypes.contains(dtype) { dtype } else if dtype.isInteger {
        dtype == .uint32 || dtype == .uint64 || dtype == .int64 ? (dtypes.contains(.int64) ? .int64 : .float32) : .int32
      } else { .float32 }
    var operands = [try cast(a, to: inner), try cast(b, to: inner)]
    let common = TensorType(inner, type.shape)
    if type.shape.rank ?? 0 > rank { operands = try alike(operands, common) }
    return try cast(try emit(operands[0], operands[1], common, &self), to: dtype)
  }

  /// Tensors expanded to one shape, for operators that do not broadcast.
  mutating func alike(_ values: [OutValue], _ type: TensorType) throws -> [OutValue] {
    guard let first = values.first else { return values }
    if values.dropFirst().allSatisfy({ $0.type.shape == first.type.shape && first.type.shape.extents != nil }) { return values }
    if let extents = type.shape.extents {
      return try values.map { value in
        if value.type.shape.extents == extents { return value }
        return try emit(.broadcastTo, [value, try int32s(extents)], as: TensorType(value.dtype, type.shape))
      }
    }
    var common = try shape32(of: values[0])
    for value in values.dropFirst() {
      let shape = try shape32(of: value)
      common = try emit(.broadcastArgs, [common, shape], as: TensorType(.int32, .ranked([.unknown])))
    }
    return try values.map { try emit(.broadcastTo, [$0, common], as: TensorType($0.dtype, type.shape)) }
  }

  /// The quotient of int64s that are not negative, rounded down: LiteRT divides narrower ones only. Each turn of float32 takes off all but
  /// some 2⁻²² of what is left.
  mutating func longQuotient(_ a: OutValue, _ b: OutValue) throws -> OutValue {
    let divisor = try cast(b, to: .float32), one = try scalar(1, dtype: .int64), zero = try scalar(0, dtype: .int64)
    var quotient: OutValue?, rest = a
    for _ in 0..<3 {
      let part = try cast(try div(try cast(rest, to: .float32), divisor), to: .int64)
      quotient = try quotient.map { try add($0, part) } ?? part
      rest = try sub(rest, try mul(part, b))
    }
    guard let sum = quotient else { return a }
    let isLess = try apply(LessOp(), rest, zero)
    let lowered = try select(isLess, try sub(sum, one), sum), left = try select(isLess, try add(rest, b), rest)
    return try select(try apply(GreaterOrEqualOp(), left, b), try add(lowered, one), lowered)
  }

  /// `x · (c₀ + c₁x² + c₂x⁴ + …)`.
  mutating func series(_ x: OutValue, _ coefficients: [Double]) throws -> OutValue {
    let square = try mul(x, x)
    var sum = try scalar(coefficients.last ?? 0, like: x)
    for coefficient in coefficients.dropLast().reversed() { sum = try add(try mul(sum, square), try scalar(coefficient, like: x)) }
    return try mul(sum, x)
  }
}
