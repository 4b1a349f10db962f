import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

let randomRules: [NodeRule] =
  statelessRules + [
    .reads("RandomUniform") { n, g in [try n.drawn(.uniform, try n.dtype("dtype"), in: &g)] },
    .reads("RandomStandardNormal") { n, g in [try n.drawn(.normal, try n.dtype("dtype"), in: &g)] },
    .reads("TruncatedNormal") { n, g in [try n.drawn(.truncatedNormal, try n.dtype("dtype"), in: &g)] },
    // The places of numbers drawn for each row, as these sort.
    .reads("RandomShuffle") { n, g in
      guard try n.int("seed") == 0, try n.int("seed2") == 0 else {
        throw UnsupportedError("the order that RandomShuffle draws from a seed")
      }
      let x = try n.input(0), count = try g.dim(of: x, 0)
      let drawn = try g.apply(RandomUniformOp(), count)
      let order = try g.apply(TopKOp(axis: 0, largest: true, sorted: true), to: [drawn, count])[1]
      return [try g.gather(x, order, axis: 0)]
    },
    .reads("SampleDistortedBoundingBox") { n, g in
      try n.distortedBox(try g.constant(NDArray(scalar: Float(try n.float("min_object_covered")))), &g)
    },
    .rule(
      "SampleDistortedBoundingBoxV2", DistortedBoxOp.self, read: { n, g in try n.distortedBox(try n.input(2), &g) },
      write: { op, x, w in
        guard w.dialect == .tensorFlow else { throw UnsupportedError("TensorFlow.js has no SampleDistortedBoundingBoxV2") }
        return try w.emit(
          "SampleDistortedBoundingBoxV2", x.values,
          [
            "aspect_ratio_range": .floats([op.aspects.lowerBound, op.aspects.upperBound]),
            "area_range": .floats([op.areas.lowerBound, op.areas.upperBound]), "max_attempts": .int(op.attempts),
            "use_image_if_no_bounding_boxes": .bool(op.takesImage),
          ], types: try w.types(op, x))
      }),
    .reads("RandomUniformInt") { n, g in [try n.drawn(.integers, try n.dtype("Tout"), in: &g)] },
    .writes(RandomUniformOp.self) { op, x, w in
      let unit = try w.draw("RandomUniform", x, op.dtype, op.seed, try w.types(op, x)[0])
      if op.low == 0, op.high == 1 { return [unit] }
      let scaled = try w.mul(unit, try w.scalar(op.high - op.low, like: unit))
      return [try w.add(scaled, try w.scalar(op.low, like: unit))]
    },
    .writes(RandomNormalOp.self) { op, x, w in
      let standard = try w.draw("RandomStandardNormal", x, op.dtype, op.seed, try w.types(op, x)[0])
      if op.mean == 0, op.scale == 1 { return [standard] }
      return [try w.add(try w.mul(standard, try w.scalar(op.scale, like: standard)), try w.scalar(op.mean, like: standard))]
    },
    .writes(BernoulliOp.self) { op, x, w in
      let chance = try x.required(0)
      let drawn = try w.apply(RandomUniformOp(seed: op.seed, dtype: chance.type.dtype), try w.shape(of: chance))
      return [try w.cast(try w.apply(LessOp(), drawn, chance), to: op.dtype ?? chance.type.dtype)]
    },
    .rule(
      "Multinomial", MultinomialOp.self,
      read: { n, g in
        let seed = try n.int("seed"), second = try n.int("seed2")
        guard seed == 0, second == 0 else { throw UnsupportedError("the numbers that Multinomial draws from a seed") }
        return [try g.apply(MultinomialOp(sampleCount: try n.constantInt(1, in: g), dtype: try n.dtype("output_dtype")), try n.input(0))]
      },
      write: { op, x, w in
        [
          try w.emit(
            "Multinomial", [try x.required(0), try w.int32(op.sampleCount)],
            ["seed": .int(op.seed ?? 0), "output_dtype": try .dtype(op.dtype)], as: try w.types(op, x)[0])
        ]
      }),
  ]

/// Numbers that follow from their inputs alone.
private let statelessRules: [NodeRule] = [
  .same("StatelessRandomGetKeyCounter", RandomKeyOp(), types: { _ in [TensorType(.uint64, [1]), TensorType(.uint64, [2])] }),
  .reads("StatelessRandomGetKeyCounterAlg") { n, g in
    try g.apply(RandomKeyOp(), to: [try n.input(0)]) + [try g.constant(NDArray(scalar: Int32(1)))]
  },
  // On a processor it is always Philox.
  .reads("StatelessRandomGetAlg") { _, g in [try g.constant(NDArray(scalar: Int32(1)))] },
  .seeded("StatelessRandomUniform", .uniform), .seeded("StatelessRandomNormal", .normal),
  .seeded("StatelessTruncatedNormal", .truncatedNormal), .seeded("StatelessRandomUniformInt", .integers),
  .seeded("StatelessRandomUniformFullInt", .bits), .keyed("StatelessRandomUniformV2", .uniform),
  .keyed("StatelessRandomNormalV2", .normal), .keyed("StatelessTruncatedNormalV2", .truncatedNormal),
  .keyed("StatelessRandomUniformIntV2", .integers), .keyed("StatelessRandomUniformFullIntV2", .bits),
  .writes(CounterRandomOp.self) { op, x, w in
    let type: String
    switch op.distribution {
    case .uniform: type = "StatelessRandomUniformV2"
    case .normal: type = "StatelessRandomNormalV2"
    case .truncatedNormal: type = "StatelessTruncatedNormalV2"
    case .integers: type = "StatelessRandomUniformIntV2"
    case .bits: type = "StatelessRandomUniformFullIntV2"
    }
    let philox = try w.int32(1), first = try (0..<3).map { try x.required($0) }
    let bounds = op.distribution == .integers ? [try x.required(3), try x.required(4)] : []
    let attributes: KeyValuePairs<String, AttrValue?> = ["dtype": op.distribution == .integers ? nil : try .dtype(op.dtype)]
    return [try w.emit(type, first + [philox] + bounds, attributes, as: try w.types(op, x)[0])]
  },
]

extension NodeRule {
  fileprivate static func same<O: Op>(
    _ type: String, _ op: O, types: @escaping @Sendable (RuleInputs) -> [TensorType]
  ) -> NodeRule {
    .rule(
      type, O.self, read: { n, g in try g.apply(op, to: n.inputs) },
      write: { _, x, w in try w.emit(type, x.values, types: types(x)) })
  }

  /// Inputs: the shape, two seeds, and for integers the bounds.
  fileprivate static func seeded(_ type: String, _ distribution: RandomDistribution) -> NodeRule {
    .reads(type) { n, g in
      let key = try g.apply(RandomKeyOp(), to: [try n.input(1)])
      return [try n.counted(distribution, key[0], key[1], bounds: 2, in: &g)]
    }
  }

  /// Inputs: the shape, the key, the counter, the algorithm, and for integers the bounds.
  fileprivate static func keyed(_ type: String, _ distribution: RandomDistribution) -> NodeRule {
    .reads(type) { n, g in
      // 1 is Philox, 3 lets the device choose: a processor takes Philox.
      let algorithm = try n.constantInt(3, in: g)
      guard algorithm == 1 || algorithm == 3 else { throw UnsupportedError("\(type) by another algorithm than Philox") }
      return [try n.counted(distribution, try n.input(1), try n.input(2), bounds: 4, in: &g)]
    }
  }
}

extension NodeReader {
  fileprivate func distortedBox(_ covered: ValueID, _ g: inout GraphContext) throws -> [ValueID] {
    guard try int("seed") == 0, try int("seed2") == 0 else { throw UnsupportedError("the box that \(type) draws from a seed") }
    func range(_ name: String, or fallback: ClosedRange<Double>) throws -> ClosedRange<Double> {
      let given = attribute(name) == nil ? [] : try floats(name)
      if given.isEmpty { return fallback }
      guard given.count == 2, given[0] >= 0, given[0] <= given[1], given[1].isFinite else {
        throw FormatError(.invalidValue, "\(type): \(name) of \(given)")
      }
      return given[0]...given[1]
    }
    let op = DistortedBoxOp(
      aspects: try range("aspect_ratio_range", or: 0.75...1.33), areas: try range("area_range", or: 0.05...1),
      attempts: try int("max_attempts"), takesImage: try flag("use_image_if_no_bounding_boxes"))
    return try g.apply(op, to: [try input(0), try input(1), covered])
  }

  fileprivate func counted(
    _ distribution: RandomDistribution, _ key: ValueID, _ counter: ValueID, bounds: Int, in g: inout GraphContext
  ) throws -> ValueID {
    let isBounded = distribution == .integers
    let dtype = try isBounded ? g.type(of: try input(bounds)).dtype : self.dtype("dtype")
    let op = CounterRandomOp(distribution, dtype: dtype)
    let limits = isBounded ? [try input(bounds), try input(bounds + 1)] : []
    return try g.apply(op, to: [try int64(0, in: &g), key, counter] + limits)[0]
  }

  /// With a seed the numbers of the first run, without one any.
  fileprivate func drawn(_ distribution: RandomDistribution, _ dtype: DType, in g: inout GraphContext) throws -> ValueID {
    let seed = try int("seed"), second = try int("seed2"), shape = try int64(0, in: &g)
    if seed == 0, second == 0 {
      if distribution == .uniform { return try g.apply(RandomUniformOp(dtype: dtype), shape) }
      if distribution == .normal { return try g.apply(RandomNormalOp(dtype: dtype), shape) }
      guard distribution == .integers else {
        // By the inverse of the distribution function, between its values at -2 and 2.
        let edge = 0.954499736103642
        let place = try g.apply(RandomUniformOp(low: -edge, high: edge, dtype: dtype), shape)
        return try g.mul(try g.apply(ErfinvOp(), place), try g.scalar(2.0.squareRoot(), dtype: dtype))
      }
      let low = try g.cast(try input(1), to: .float64), high = try g.cast(try input(2), to: .float64)
      let unit = try g.apply(RandomUniformOp(dtype: .float64), shape)
      return try g.cast(try g.apply(FloorOp(), try g.add(low, try g.mul(unit, try g.sub(high, low)))), to: dtype)
    }
    let key = try g.constant(NDArray([UInt64(bitPattern: Int64(seed))], [1]))
    let counter = try g.constant(NDArray([0, UInt64(bitPattern: Int64(second))], [2]))
    let limits = distribution == .integers ? [try input(1), try input(2)] : []
    return try g.apply(CounterRandomOp(distribution, dtype: dtype), to: [shape, key, counter] + limits)[0]
  }
}

extension NodeWriter {
  fileprivate mutating func draw(
    _ type: String, _ x: RuleInputs, _ dtype: DType, _ seed: Int?, _ result: TensorType
  ) throws -> OutValue {
    try emit(
      type, [try x.required(0)], ["seed": .int(seed ?? 0), "seed2": .int(seed == nil ? 0 : 1), "dtype": try .dtype(dtype)], as: result)
  }
}
