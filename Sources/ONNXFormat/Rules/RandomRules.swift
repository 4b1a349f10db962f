import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

let randomRules: [NodeRule] = [
  .rule(
    "RandomNormal", RandomNormalOp.self,
    read: { n, g in
      [try g.apply(try n.normal(dtype: try n.dtype("dtype") ?? .float32), try g.ints(try n.required(try n.ints("shape"), "shape")))]
    },
    write: { op, x, w in
      try [
        draw("RandomNormal", x, op.dtype, [("mean", .float(op.mean)), ("scale", .float(op.scale)), ("seed", op.seed.seedAttribute)], &w)
      ]
    }),
  .reads("RandomNormalLike") { n, g in
    let x = try n.input(0)
    return [try g.apply(try n.normal(dtype: try n.dtype("dtype") ?? g.type(of: x).dtype), try g.shape(of: x))]
  },
  .rule(
    "RandomUniform", RandomUniformOp.self,
    read: { n, g in
      [try g.apply(try n.uniform(dtype: try n.dtype("dtype") ?? .float32), try g.ints(try n.required(try n.ints("shape"), "shape")))]
    },
    write: { op, x, w in
      try [draw("RandomUniform", x, op.dtype, [("low", .float(op.low)), ("high", .float(op.high)), ("seed", op.seed.seedAttribute)], &w)]
    }),
  .reads("RandomUniformLike") { n, g in
    let x = try n.input(0)
    return [try g.apply(try n.uniform(dtype: try n.dtype("dtype") ?? g.type(of: x).dtype), try g.shape(of: x))]
  },
  .rule(
    "Bernoulli", BernoulliOp.self,
    read: { n, g in [try g.apply(BernoulliOp(seed: try n.seed(), dtype: try n.dtype("dtype")), try n.input(0))] },
    write: { op, x, w in
      let input = try x.required(0), dtype = op.dtype ?? input.type.dtype
      guard w.opset >= 15 else {
        let drawn = try draw("RandomUniform", RuleInputs(values: [try w.shape(of: input)]), .float32, [("seed", op.seed.seedAttribute)], &w)
        return [try w.cast(try w.apply(LessOp(), drawn, try w.cast(input, to: .float32)), to: dtype)]
      }
      return [
        try w.emit(
          "Bernoulli", [input], ["dtype": op.dtype.map { .dtype($0) }, "seed": op.seed.seedAttribute],
          as: TensorType(dtype, input.type.shape))
      ]
    }),
  .rule(
    "Multinomial", MultinomialOp.self,
    read: { n, g in
      let op = MultinomialOp(sampleCount: try n.int("sample_size") ?? 1, seed: try n.seed(), dtype: try n.dtype("dtype") ?? .int32)
      return [try g.apply(op, try n.input(0))]
    },
    write: { op, x, w in
      [
        try w.emit(
          "Multinomial", x.values, ["sample_size": .int(op.sampleCount), "dtype": .dtype(op.dtype), "seed": op.seed.seedAttribute],
          as: try op.infer(x.values.map { $0?.fact })[0])
      ]
    }),
  .reads("Dropout") { n, g in try readDropout(n, &g) },
]

extension NodeReader {
  /// ONNX's seeds are floats. Whole ones stay as they are, others stand for themselves by their bits.
  fileprivate func seed() throws -> Int? {
    guard let seed = try float("seed") else { return nil }
    return Int(exactly: seed) ?? Int(truncatingIfNeeded: seed.bitPattern)
  }
  fileprivate func normal(dtype: DType) throws -> RandomNormalOp {
    RandomNormalOp(mean: try float("mean") ?? 0, scale: try float("scale") ?? 1, seed: try seed(), dtype: dtype)
  }
  fileprivate func uniform(dtype: DType) throws -> RandomUniformOp {
    RandomUniformOp(low: try float("low") ?? 0, high: try float("high") ?? 1, seed: try seed(), dtype: dtype)
  }
}

extension Optional where Wrapped == Int {
  fileprivate var seedAttribute: WireAttribute? { map { .float(Double($0)) } }
}

/// A shape that is known becomes an attribute; one that is computed, a tensor of that shape.
private func draw(
  _ type: String, _ inputs: RuleInputs, _ dtype: DType, _ attributes: [(String, WireAttribute?)], _ w: inout NodeWriter
) throws -> OutValue {
  let shape = try inputs.required(0)
  let attributes = attributes + [("dtype", .dtype(dtype))]
  if let known = shape.fact.integers {
    return try w.emit(type, [], list: attributes + [("shape", .ints(known))], types: [TensorType(dtype, known)])[0]
  }
  let result = TensorType(dtype, shape.fact.elements.map { .ranked($0) } ?? .unranked)
  let model = try w.apply(ConstantOfShapeOp(value: NDArray([Float(0)], [1])), shape)
  return try w.emit(type + "Like", [model], list: attributes, types: [result])[0]
}

/// At inference the input itself, and a mask of nothing but ones. Opset 12 can ask for training by an input: then elements are dropped.
private func readDropout(_ n: NodeReader, _ g: inout GraphContext) throws -> [ValueID] {
  let x = try n.input(0)
  let wantsMask = n.wants(1)
  func ones(_ dtype: DType, _ g: inout GraphContext) throws -> ValueID {
    let one = try NDArray([Float(1)], [1]).cast(to: dtype, in: ExecutionContext(primitives: ReferencePrimitives()))
    return try g.apply(ConstantOfShapeOp(value: one), try g.shape(of: x))
  }
  let maskType = n.version >= 10 ? DType.bool : g.type(of: x).dtype
  let training = n.version >= 12 ? n[2] : nil
  let known = training.map { g.fact(of: $0).scalar } ?? 0
  if known == 0 {
    let kept = try g.apply(IdentityOp(), x)
    return wantsMask ? [kept, try ones(maskType, &g)] : [kept]
  }
  let ratio = try n[1].map { try g.cast($0, to: .float32) } ?? g.scalar(0.5, dtype: .float32)
  let drawn = try g.apply(RandomUniformOp(seed: try n.int("seed")), try g.shape(of: x))
  var keep = try g.apply(GreaterOrEqualOp(), drawn, ratio)
  let share = try g.cast(try g.sub(try g.scalar(1, dtype: .float32), ratio), to: g.type(of: x).dtype)
  var y = try g.select(keep, try g.div(x, share), try g.scalar(0, like: x))
  if let training, known == nil {
    y = try g.select(training, y, x)
    keep = try g.apply(LogicalOrOp(), keep, try g.apply(LogicalNotOp(), training))
  }
  return wantsMask ? [y, try g.cast(keep, to: maskType)] : [y]
}
