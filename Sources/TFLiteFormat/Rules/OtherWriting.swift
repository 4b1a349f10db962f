import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// Attention is written as what it decomposes into.
let attentionWriting: [WritingRule] = []
let textWriting: [WritingRule] = [
  .writes(LabelEncoderOp.self) { op, x, w in
    // LiteRT's tables go from strings to int64 or back.
    let pair = (op.keys.dtype, op.values.dtype)
    guard pair == (.string, .int64) || pair == (.int64, .string) else {
      throw UnsupportedError("a table from \(pair.0) to \(pair.1)")
    }
    let keys = try x.required(0), type = try w.types(op, x)[0]
    let number = w.library.addTable(op.keys.reshaped([op.keys.count]), op.values.reshaped([op.values.count]))
    let table = try w.table(number, pair.0, pair.1), fallback = try w.constant(op.defaultValue.reshaped([1]))
    return [try w.emit(.hashtableFind, [table, keys, fallback], .hashtableFindOptions(HashtableFindOptions()), as: type)]
  }
]

/// Numbers are drawn anew: LiteRT's generators are its own.
let randomWriting: [WritingRule] = [
  .writes(RandomUniformOp.self) { op, x, w in
    let unit = try w.drawn(.randomUniform, x, op.seed, try w.types(op, x)[0])
    return [try w.cast(try w.scaled(unit, by: op.high - op.low, plus: op.low), to: op.dtype)]
  },
  .writes(RandomNormalOp.self) { op, x, w in
    let standard = try w.drawn(.randomStandardNormal, x, op.seed, try w.types(op, x)[0])
    return [try w.cast(try w.scaled(standard, by: op.scale, plus: op.mean), to: op.dtype)]
  },
  .writes(BernoulliOp.self) { op, x, w in
    let chance = try w.cast(try x.required(0), to: .float32), dtype = op.dtype ?? chance.dtype
    let drawn = try w.apply(RandomUniformOp(seed: op.seed), try w.shape(of: chance))
    return [try w.cast(try w.apply(LessOp(), drawn, chance), to: dtype)]
  },
  .writes(MultinomialOp.self) { op, x, w in
    let type = try w.types(op, x)[0], count = try w.int32s([op.sampleCount])
    let weights = try w.cast(try x.required(0), to: .float32), inner: DType = type.dtype == .int32 ? .int32 : .int64
    let drawn = try w.emit(
      .multinomial, [weights, try w.reshape(count, [])], .randomOptions(OperatorWriter.randomOptions(op.seed)),
      as: TensorType(inner, type.shape))
    return [try w.cast(drawn, to: type.dtype)]
  },
]

extension OperatorWriter {
  fileprivate static func randomOptions(_ seed: Int?) -> RandomOptions {
    // No seed is two zeros.
    guard let seed else { return RandomOptions() }
    return RandomOptions(seed: Int64(seed), seed2: seed == 0 ? 1 : 0)
  }

  /// Numbers of the shape that the first input tells.
  fileprivate mutating func drawn(
    _ builtin: BuiltinOperator, _ inputs: RuleInputs, _ seed: Int?, _ type: TensorType
  ) throws -> OutValue {
    try emit(
      builtin, [try int32Vector(try inputs.required(0))], .randomOptions(Self.randomOptions(seed)), as: TensorType(.float32, type.shape))
  }

  fileprivate mutating func scaled(_ x: OutValue, by factor: Double, plus offset: Double) throws -> OutValue {
    let product = factor == 1 ? x : try mul(x, try scalar(factor, like: x))
    return offset == 0 ? product : try add(product, try scalar(offset, like: x))
  }
}
