import ModelGraph
import ModelOps
import ModelTensor
import Testing

@testable import ModelPasses

@Suite struct IntegerQuantizerTests {
  private func whole(_ op: any Op, _ activation: FusedActivation = .none, inputs: Int = 1) -> QuantizedOp {
    QuantizedOp(op, activation: activation, inputs: [QuantizedType?](repeating: nil, count: inputs), outputs: [nil])
  }

  /// x → FullyConnected (relu) → Softmax, with names.
  private func perceptron(weights: NDArray? = nil) throws -> Model {
    try makeModel { c in
      let x = c.input("x", [2, 4])
      var noise = Noise(4)
      let w = c.weight("w", weights ?? noise.array([3, 4])), b = c.weight("b", noise.array([3]))
      let y = try c.append(whole(FullyConnectedOp(), .relu, inputs: 3), [x, w, b], name: "dense")
      return try c.append(whole(SoftmaxOp(axis: -1)), [y[0]], name: "softmax")
    }
  }

  private func ranges(_ model: Model, _ low: Float = -1, _ high: Float = 2) -> [ValueID: ValueRange] {
    var result: [ValueID: ValueRange] = [:]
    for id in model.mainGraph.valueIDs { result[id] = ValueRange(low: low, high: high) }
    return result
  }

  @Test func quantisesBetweenConversions() throws {
    let model = try perceptron()
    var made = model
    let outcome = try IntegerQuantizer(ranges: ranges(model), scheme: .int8).run(&made)
    #expect(made.opNames == ["QuantizedIdentity", "QuantizedFullyConnected", "QuantizedSoftmax", "QuantizedIdentity"])
    let dense = try #require(made.node("QuantizedFullyConnected")?.op as? QuantizedOp)
    #expect(dense.activation == .relu && dense.inputs[1]?.quantization.scales.count == 3)
    #expect(dense.inputs[2] == QuantizedType.bias(.int32, of: try #require(dense.inputs[0]), and: try #require(dense.inputs[1])))
    let softmax = try #require(made.node("QuantizedSoftmax")?.op as? QuantizedOp)
    #expect(softmax.outputs == [QuantizedType(.int8, scale: 1 / 256, zeroPoint: -128)])
    #expect(outcome.layers.map(\.scheme) == [.int8, .int8] && outcome.floats.isEmpty)
    var noise = Noise(7)
    let x = noise.array([2, 4])
    try expectClose(try Interpreter(model: made).run([x]), try Interpreter(model: model).run([x]), tolerance: 0.05)
  }

  @Test func sixteenBits() throws {
    let model = try perceptron()
    var made = model
    _ = try IntegerQuantizer(ranges: ranges(model), scheme: .int16x8).run(&made)
    let dense = try #require(made.node("QuantizedFullyConnected")?.op as? QuantizedOp)
    #expect(dense.inputs[0] == QuantizedType(.int16, scale: (Float(2) - Float(-2)) / 65534))
    #expect(dense.inputs[2]?.dtype == .int64)
  }

  /// Recipes and overrides choose; what has no kernel, no range or computed weights stays float, with a reason.
  @Test func staysFloat() throws {
    let model = try makeModel { c in
      let x = c.input("x", [2, 4]), w = c.input("w", [3, 4])
      let y = try c.append(whole(FullyConnectedOp(), inputs: 2), [x, w], name: "computed")
      let z = try c.append(whole(SinOp()), [y[0]], name: "wave")
      return try c.append(whole(TanhOp()), [z[0]], name: "gate")
    }
    var made = model
    let outcome = try IntegerQuantizer(
      ranges: ranges(model), scheme: .int8,
      recipes: [.init(pattern: "g?te", op: "tanh", scheme: .float), .init(pattern: "none*", scheme: .int8)]
    ).run(&made)
    #expect(made.opNames.allSatisfy { $0 != "QuantizedIdentity" })
    #expect(outcome.layers.map(\.reason) == ["its weights are computed", "LiteRT has no kernel for integers", nil])
    #expect(outcome.idleRecipes == [.init(pattern: "none*", scheme: .int8)])
    var again = model
    let blind = try IntegerQuantizer(ranges: [:], scheme: .int8).run(&again)
    #expect(blind.layers[2].reason == "no range was recorded for '\(model.mainGraph[blind.layers[1].original].name)'")
  }

  /// A pool takes its operand's quantisation, a concatenation gives its own to its operands, and a sum of the operands keeps it.
  @Test func sharesQuantization() throws {
    let model = try makeModel { c in
      let x = c.input("x", [1, 4, 4, 2])
      let a = try c.append(whole(AbsOp()), [x], name: "a"), b = try c.append(whole(LogOp()), [x], name: "b")
      let pooled = try c.append(whole(PoolOp(.max, kernel: [2, 2], strides: [2, 2], layout: .channelsLast)), [a[0]], name: "pool")
      let small = try c.append(whole(PoolOp(.average, kernel: [2, 2], strides: [2, 2], layout: .channelsLast)), [b[0]], name: "mean")
      let joined = try c.append(whole(ConcatOp(axis: 3), inputs: 2), [pooled[0], small[0]], name: "join")
      return joined
    }
    var known: [ValueID: ValueRange] = [:]
    for id in model.mainGraph.valueIDs {
      let high: Float = ["x": 1, "a": 2, "b": 3, "pool": 1.5, "mean": 2.5, "join": 4][model.mainGraph[id].name] ?? 1
      known[id] = ValueRange(low: -1, high: high)
    }
    var made = model
    _ = try IntegerQuantizer(ranges: known, scheme: .int8).run(&made)
    let shared = ValueRange(low: -1, high: 4).quantized(as: .int8)
    for name in ["QuantizedAbs", "QuantizedLog", "QuantizedPool", "QuantizedConcat"] {
      #expect((made.node(name)?.op as? QuantizedOp)?.outputs == [shared], "\(name)")
    }
    #expect(made.opNames.filter { $0 == "QuantizedIdentity" }.count == 2)
  }

  /// What is clamped keeps its numbers for whoever else takes it, also through what interpolates; a value that nobody else takes is clamped
  /// where it is made.
  @Test(arguments: [true, false])
  func clampsForOneUse(_ isShared: Bool) throws {
    let model = try makeModel { c in
      let x = c.input("x", [1, 4, 4, 2])
      let a = try c.append(whole(AbsOp()), [x], name: "a")
      let pooled = try c.append(whole(PoolOp(.max, kernel: [2, 2], strides: [2, 2], layout: .channelsLast)), [a[0]], name: "pool")
      let bound = try c.constant(NDArray([0.5] as [Float], []))
      let least = try c.append(whole(MinimumOp(), inputs: 2), [pooled[0], bound], name: "least")
      return isShared ? least + [try c.append(whole(LogOp()), [a[0]], name: "other")[0]] : least
    }
    var known = ranges(model, 0, 4)
    for id in model.mainGraph.valueIDs where model.mainGraph[id].name == "least" { known[id] = ValueRange(low: 0, high: 0.5) }
    var made = model
    _ = try IntegerQuantizer(ranges: known, scheme: .int8).run(&made)
    let narrow = ValueRange(low: 0, high: 0.5).quantized(as: .int8), wide = ValueRange(low: 0, high: 4).quantized(as: .int8)
    #expect((made.node("QuantizedMinimum")?.op as? QuantizedOp)?.outputs == [narrow])
    #expect((made.node("QuantizedAbs")?.op as? QuantizedOp)?.outputs == [isShared ? wide : narrow])
  }

  /// What is normalised computes the same, with two operators on all numbers.
  @Test func normalisations() throws {
    var noise = Noise(5)
    let gamma = noise.array([6]), beta = noise.array([6]), x = noise.array([3, 4, 6])
    let model = try makeModel { c in
      let x = c.input("x", [3, 4, 6]), axes = try c.ints([-1])
      let mean = try c.append(whole(ReduceOp(.mean, keepDims: true), inputs: 2), [x, axes], name: "mean")
      let centred = try c.append(whole(SubOp(), inputs: 2), [x, mean[0]], name: "centred")
      let squares = try c.append(whole(MulOp(), inputs: 2), [centred[0], centred[0]], name: "squares")
      let variance = try c.append(whole(ReduceOp(.mean, keepDims: true), inputs: 2), [squares[0], axes], name: "variance")
      let root = try c.append(whole(RsqrtOp()), [variance[0]], name: "root")
      let scaled = try c.append(whole(MulOp(), inputs: 2), [centred[0], root[0]], name: "normal")
      let wide = try c.append(whole(MulOp(), inputs: 2), [scaled[0], try c.constant(gamma)], name: "wide")
      return try c.append(whole(AddOp(), .relu, inputs: 2), [wide[0], try c.constant(beta)], name: "y")
    }
    for joins in [true, false] {
      var made = model
      try PreferIntegerKernels(joinsSquares: joins).run(&made)
      try SpreadNormalization().run(&made)
      let full = made.mainGraph.nodeSlots.filter { node in
        node.map { ($0.wholeOp is MulOp || $0.wholeOp is SubOp) && made.mainGraph[$0.outputs[0]].type.shape.extents == [3, 4, 6] } ?? false
      }
      // Factors, what is taken away and the results; without the one operator the difference and its squares, too.
      #expect(full.count == (joins ? 5 : 7))
      #expect((made.mainGraph.nodeSlots.contains { $0?.wholeOp is SquaredDifferenceOp }) == joins)
      try expectClose(try Interpreter(model: made).run([x]), try Interpreter(model: model).run([x]), tolerance: 1e-5)
    }
  }

  /// Zeros, constants and huge outliers give sound scales; weights that are no numbers a clear error.
  @Test func degenerateNumbers() throws {
    #expect(ValueRange(low: 0, high: 0).quantized(as: .int8).scale == Float(1e-6) / 255)
    #expect(ValueRange(low: 0, high: 0).quantizedActivation(as: .int8) == QuantizedType(.int8, scale: Float(2e-6) / 255))
    #expect(ValueRange(low: 0, high: 5e-7).quantizedActivation(as: .int8).zeroPoint == -26)
    #expect(ValueRange(low: 3, high: 3).quantized(as: .int8) == QuantizedType(.int8, scale: 3 / 255, zeroPoint: -128))
    #expect(ValueRange(low: -2, high: -2).quantized(as: .int8).zeroPoint == 127)
    #expect(ValueRange(low: -1e30, high: 1).quantized(as: .int8).scale.isFinite)
    #expect(ValueRange(low: -3, high: 1).quantized(as: .int16) == QuantizedType(.int16, scale: 6 / 65534))
    let zeros = NDArray([Float](repeating: 0, count: 12), [3, 4])
    let model = try perceptron(weights: zeros)
    var made = model
    _ = try IntegerQuantizer(ranges: ranges(model), scheme: .int8).run(&made)
    #expect(
      (made.node("QuantizedFullyConnected")?.op as? QuantizedOp)?.inputs[1]?.quantization.scales
        == [Float](repeating: 2, count: 3).map { $0 / 254 })
    var broken = try perceptron(weights: NDArray([Float.nan] + [Float](repeating: 1, count: 11), [3, 4]))
    #expect(throws: GraphError.self) { try IntegerQuantizer(ranges: ranges(broken), scheme: .int8).run(&broken) }
  }

  /// A bias far larger than its products widens the weights' scales instead of overflowing.
  @Test func largeBias() throws {
    let weights = QuantizedType(.int8, Quantization(scales: [1e-6, 0.1], axis: 0))
    let bias = Tensor(NDArray([1000, 1] as [Float], [2]))
    let type = try WeightQuantization.leavingRoom(weights, for: bias, input: QuantizedType(.int8, scale: 1e-3))
    #expect(type.quantization.scales[1] == 0.1 && type.quantization.scales[0] > 9e-4)
    let stored = WeightQuantization.bias(bias, as: .bias(.int32, of: QuantizedType(.int8, scale: 1e-3), and: type))
    #expect(abs(Double(try #require(try stored.array().integers())[0])) < Double(Int32.max))
  }

  @Test(arguments: [
    ("block_1/conv", "block_*", true), ("block_1/conv", "*conv", true), ("block_1/conv", "block_?/c*v", true), ("conv", "con", false),
    ("", "*", true), ("ab", "a*b*c", false),
  ])
  func patterns(_ name: String, _ pattern: String, _ matches: Bool) {
    #expect(QuantizationRecipe(pattern: pattern, scheme: .float).matches(name: name, op: "Conv") == matches)
  }
}
