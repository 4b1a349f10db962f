import ModelGraph
import ModelLayers
import ModelOps
import ModelPasses
import ModelTensor
import Testing

/// A small op-level model in the making, channels last.
struct OpModel {
  var context = GraphContext(Model(), graph: Graph())
  var noise = Noise(5)

  mutating func input(_ name: String, _ dims: [Dim], _ dtype: DType = .float32) -> ValueID {
    context.graph.addInput(name, TensorType(dtype, .ranked(dims)))
  }
  mutating func weight(_ name: String, _ shape: [Int]) -> ValueID {
    let id = context.model.add(Parameter(name: name, tensor: Tensor(noise.array(shape))))
    return context.graph.addParameter(id, of: context.model)
  }
  mutating func node(_ op: any Op, _ inputs: [ValueID?], _ name: String) throws -> ValueID {
    try #require(try context.append(op, inputs, name: name).first)
  }
  mutating func nodes(_ op: any Op, _ inputs: [ValueID?], _ name: String) throws -> [ValueID] {
    try context.append(op, inputs, name: name)
  }

  /// Lifts the model and holds it against what it was.
  /// - Returns: the classes of the layers, and the names of the ops that stayed.
  @discardableResult
  mutating func check(
    _ outputs: [ValueID], _ inputs: [NDArray], tolerance: Double = 1e-5, sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> [String] {
    for (index, output) in outputs.enumerated() { context.graph.addOutput("y\(index)", output) }
    var model = context.model
    model.graphs[.main] = context.graph
    let expected = try Interpreter(model: model).run(inputs)
    for pass in LiftLayers.passes() { try pass.run(&model) }
    try model.validate()
    try expectClose(try Interpreter(model: model).run(inputs), expected, tolerance: tolerance)
    var lowered = model
    try LowerLayers().run(&lowered)
    try expectClose(try Interpreter(model: lowered).run(inputs), expected, tolerance: tolerance)
    let graph = model.mainGraph
    for id in graph.nodeIDs {
      #expect(!graph[id].name.contains("/"))
      if let scope = graph[id].scope { #expect(model[scope].name == graph[id].name) }
    }
    return try graph.order().map { graph[$0].op.displayName }
  }
}

@Suite struct LiftingTests {
  private func array(_ shape: [Int], seed: UInt64 = 3) -> NDArray {
    var noise = Noise(seed)
    return noise.array(shape)
  }

  struct ConvCase: Sendable, CustomTestStringConvertible {
    var x: [Int], kernel: [Int]
    var strides: [Int] = [], dilations: [Int] = [], padding = Padding.valid, groups = 1
    var classes: [String]
    var testDescription: String { "\(classes) \(padding) of \(x) with \(kernel)" }
  }
  @Test(
    arguments: [
      ConvCase(x: [2, 9, 3], kernel: [3, 3, 5], classes: ["Conv1D"]),
      ConvCase(x: [2, 9, 3], kernel: [3, 3, 5], padding: .explicit(before: [2], after: [0]), classes: ["Conv1D"]),
      ConvCase(x: [2, 9, 8, 3], kernel: [3, 3, 3, 4], padding: .explicit(before: [1, 1], after: [1, 1]), classes: ["Conv2D"]),
      ConvCase(
        x: [2, 9, 8, 3], kernel: [3, 3, 3, 4], strides: [2, 2], padding: .explicit(before: [1, 1], after: [1, 1]),
        classes: ["ZeroPadding2D", "Conv2D"]),
      ConvCase(
        x: [2, 8, 8, 3], kernel: [3, 3, 3, 4], strides: [2, 2], padding: .explicit(before: [0, 0], after: [1, 1]), classes: ["Conv2D"]),
      ConvCase(
        x: [2, 9, 8, 3], kernel: [3, 2, 3, 4], padding: .explicit(before: [0, 2], after: [1, 0]), classes: ["ZeroPadding2D", "Conv2D"]),
      ConvCase(x: [2, 9, 8, 3], kernel: [3, 3, 3, 4], strides: [2, 2], padding: .same, classes: ["Conv2D"]),
      ConvCase(x: [2, 9, 8, 3], kernel: [2, 2, 3, 4], padding: .sameLower, classes: ["ZeroPadding2D", "Conv2D"]),
      ConvCase(
        x: [2, 9, 8, 3], kernel: [3, 3, 3, 4], dilations: [2, 2], padding: .explicit(before: [2, 2], after: [2, 2]), classes: ["Conv2D"]),
      ConvCase(
        x: [2, 9, 8, 3], kernel: [3, 3, 3, 4], strides: [2, 2], dilations: [2, 2], padding: .explicit(before: [2, 2], after: [2, 2]),
        classes: ["ZeroPadding2D", "Conv2D", "Slice"]),
      ConvCase(x: [2, 9, 8, 6], kernel: [3, 3, 2, 9], groups: 3, classes: ["Conv2D"]),
      ConvCase(x: [2, 9, 8, 6], kernel: [3, 3, 1, 12], groups: 6, classes: ["DepthwiseConv2D"]),
      ConvCase(x: [2, 9, 6], kernel: [3, 1, 6], groups: 6, classes: ["DepthwiseConv1D"]),
      ConvCase(
        x: [1, 5, 6, 7, 2], kernel: [2, 3, 3, 2, 4], padding: .explicit(before: [0, 1, 1], after: [0, 1, 1]),
        classes: ["ZeroPadding3D", "Conv3D"]),
    ], [true, false])
  func convolutions(_ item: ConvCase, outputFirst: Bool) throws {
    var m = OpModel()
    let rank = item.kernel.count - 2
    let x = m.input("x", [.named("batch")] + item.x.dropFirst().map(Dim.fixed))
    let shape = outputFirst ? [item.kernel[rank + 1], item.kernel[rank]] + item.kernel.prefix(rank) : item.kernel
    let w = m.weight("w", shape), b = m.weight("b", [item.kernel[rank + 1]])
    let op = ConvOp(
      strides: item.strides, dilations: item.dilations, padding: item.padding, groups: item.groups, layout: .channelsLast,
      kernelLayout: outputFirst ? .outputInputSpatial : .spatialInputOutput)
    let y = try m.node(op, [x, w, b], "/features/conv1/Conv")
    #expect(try m.check([y], [array(item.x)]) == item.classes)
  }

  @Test func biasAndActivationBelongToTheLayer() throws {
    var m = OpModel()
    let x = m.input("x", [.named("batch"), 6, 6, 3])
    let conv = try m.node(
      ConvOp(padding: .same, layout: .channelsLast, kernelLayout: .spatialInputOutput), [x, m.weight("c/kernel", [3, 3, 3, 4]), nil],
      "c/Conv")
    let sum = try m.node(AddOp(), [conv, m.weight("c/bias", [4])], "c/Add")
    let relu = try m.node(ReluOp(), [sum], "c/Relu")
    let other = try m.node(TanhOp(), [relu], "/act/Tanh")
    #expect(try m.check([other], [array([2, 6, 6, 3])]) == ["Conv2D", "Activation"])
  }

  @Test(
    arguments: [
      (Padding.valid, [0, 0], 1, [2, 2]), (.explicit(before: [1, 1], after: [1, 1]), [0, 0], 1, [2, 2]),
      (.explicit(before: [1, 1], after: [1, 1]), [1, 1], 1, [2, 2]), (.explicit(before: [0, 1], after: [2, 0]), [0, 0], 1, [2, 1]),
      (.same, [0, 0], 1, [2, 2]), (.valid, [0, 0], 2, [1, 1]), (.explicit(before: [0, 0], after: [0, 0]), [1, 1], 1, [3, 3]),
    ] as [(Padding, [Int], Int, [Int])])
  func transposedConvolutions(_ padding: Padding, _ extra: [Int], _ groups: Int, _ strides: [Int]) throws {
    var m = OpModel()
    let x = m.input("x", [.named("batch"), 5, 4, 4])
    let op = ConvTransposeOp(
      strides: strides, padding: padding, outputPadding: extra, groups: groups, layout: .channelsLast, kernelLayout: .outputInputSpatial)
    let y = try m.node(op, [x, m.weight("w", [4, 6 / groups, 3, 3]), m.weight("b", [6])], "up/ConvTranspose")
    let kinds = try m.check([y], [array([2, 5, 4, 4])])
    #expect(kinds.first == "Conv2DTranspose")
    #expect(kinds.dropFirst().allSatisfy { $0 == "Cropping2D" })
  }

  @Test func products() throws {
    var m = OpModel()
    let x = m.input("x", [.named("batch"), 6])
    let a = try m.node(GemmOp(alpha: 0.5, beta: 2, transposeB: true), [x, m.weight("w1", [8, 6]), m.weight("b1", [8])], "/fc1/Gemm")
    let b = try m.node(MatMulOp(), [a, m.weight("w2", [8, 5])], "d/MatMul")
    let c = try m.node(AddOp(), [m.weight("b2", [5]), b], "d/Add")
    let d = try m.node(SigmoidOp(), [c], "d/Sigmoid")
    let e = try m.node(EinsumOp(equation: "bi,ihd->bhd"), [d, m.weight("w3", [5, 2, 3])], "heads/Einsum")
    #expect(try m.check([e], [array([4, 6])]) == ["Dense", "Dense", "EinsumDense"])
  }

  @Test func normalizations() throws {
    var m = OpModel()
    let x = m.input("x", [.named("batch"), 4, 4, 6])
    var variance = m.weight("v", [6])
    variance = m.context.graph.addConstant(Tensor(NDArray([Float(1), 2, 0.5, 1.5, 3, 1], [6])))
    let y = try m.node(
      BatchNormalizationOp(epsilon: 1e-5, axis: 3), [x, m.weight("s", [6]), m.weight("b", [6]), m.weight("m", [6]), variance],
      "bn/BatchNormalization")
    let z = try m.node(
      LayerNormalizationOp(axes: [-1], epsilon: 1e-6), [y, m.weight("g", [6]), m.weight("h", [6])], "ln/LayerNormalization")
    let u = try m.node(GroupNormalizationOp(groups: 3, axis: 3), [z, m.weight("p", [6]), m.weight("q", [6])], "gn/GroupNormalization")
    let v = try m.node(InstanceNormalizationOp(axis: 3), [u, m.weight("k", [6]), m.weight("l", [6])], "in/InstanceNormalization")
    let w = try m.node(RMSNormalizationOp(axes: [-1]), [v, m.weight("r", [6])], "rms/RMSNormalization")
    #expect(
      try m.check([w], [array([2, 4, 4, 6])], tolerance: 1e-4)
        == ["BatchNormalization", "LayerNormalization", "GroupNormalization", "GroupNormalization", "RMSNormalization"])
  }

  @Test(
    arguments: [
      (PoolOp(.max, kernel: [2, 2], strides: [2, 2], layout: .channelsLast), ["MaxPooling2D"]),
      (
        PoolOp(.max, kernel: [3, 3], strides: [2, 2], padding: .explicit(before: [1, 1], after: [1, 1]), layout: .channelsLast),
        ["Pad", "MaxPooling2D"]
      ),
      (PoolOp(.max, kernel: [3, 3], strides: [2, 2], ceilMode: true, layout: .channelsLast), ["Pad", "MaxPooling2D"]),
      (PoolOp(.average, kernel: [3, 3], strides: [2, 2], padding: .same, layout: .channelsLast), ["AveragePooling2D"]),
      (
        PoolOp(
          .average, kernel: [3, 3], strides: [2, 2], padding: .explicit(before: [1, 1], after: [1, 1]), countIncludePad: true,
          layout: .channelsLast), ["ZeroPadding2D", "AveragePooling2D"]
      ),
      (
        PoolOp(
          .average, kernel: [3, 3], strides: [1, 1], padding: .explicit(before: [1, 1], after: [1, 1]), countIncludePad: true,
          layout: .channelsLast), ["ZeroPadding2D", "AveragePooling2D"]
      ),
      (
        PoolOp(.average, kernel: [3, 3], strides: [1, 1], padding: .explicit(before: [1, 1], after: [1, 1]), layout: .channelsLast),
        ["AveragePooling2D"]
      ),
      (
        PoolOp(.average, kernel: [3, 2], strides: [2, 2], padding: .explicit(before: [2, 0], after: [0, 1]), layout: .channelsLast),
        ["Pool"]
      ),
    ] as [(PoolOp, [String])])
  func pooling(_ op: PoolOp, _ classes: [String]) throws {
    var m = OpModel()
    let x = m.input("x", [.named("batch"), 8, 7, 3])
    let y = try m.node(op, [x], "pool/Pool")
    #expect(try m.check([y], [array([2, 8, 7, 3])]) == classes)
  }

  @Test func zerosPadWhatIsNeverNegative() throws {
    var m = OpModel()
    let x = m.input("x", [.named("batch"), 8, 8, 3])
    let relu = try m.node(ReluOp(), [x], "/relu/Relu")
    let pool = PoolOp(.max, kernel: [3, 3], strides: [2, 2], padding: .explicit(before: [1, 1], after: [1, 1]), layout: .channelsLast)
    let y = try m.node(pool, [relu], "/maxpool/MaxPool")
    let mean = try m.node(ReduceOp(.mean, axes: [1, 2], keepDims: true), [y], "/avgpool/GlobalAveragePool")
    let flat = try m.node(FlattenOp(axis: 1), [mean], "/Flatten")
    #expect(try m.check([flat], [array([2, 8, 8, 3])]) == ["ReLU", "ZeroPadding2D", "MaxPooling2D", "GlobalAveragePooling2D"])
  }

  @Test(arguments: ["LSTM", "GRU", "RNN"], [RecurrentDirection.forward, .reverse, .bidirectional])
  func recurrent(_ kind: String, _ direction: RecurrentDirection) throws {
    for (wantsSequence, wantsState) in [(true, false), (false, true), (true, true)] {
      var m = OpModel()
      let x = m.input("x", [.named("batch"), 7, 4]), d = direction.count, h = 3
      let gates = kind == "LSTM" ? 4 : kind == "GRU" ? 3 : 1
      let swap = try m.node(TransposeOp(permutation: [1, 0, 2]), [x], "r/Transpose")
      let weights = [m.weight("w", [d, gates * h, 4]), m.weight("r", [d, gates * h, h]), m.weight("b", [d, 2 * gates * h])]
      let op: any Op =
        kind == "LSTM"
        ? LSTMOp(hiddenSize: h, direction: direction)
        : kind == "GRU"
          ? GRUOp(hiddenSize: h, direction: direction, linearBeforeReset: true) as any Op : RNNOp(hiddenSize: h, direction: direction)
      let results = try m.nodes(op, [swap] + weights, "r/\(kind)")
      var outputs: [ValueID] = []
      if wantsSequence {
        if direction == .bidirectional {
          let turned = try m.node(TransposeOp(permutation: [0, 2, 1, 3]), [results[0]], "r/Transpose_1")
          let shape = try m.context.ints([0, 0, 2 * h])
          let flat = try m.node(ReshapeOp(), [turned, shape], "r/Reshape")
          outputs.append(try m.node(TransposeOp(permutation: [1, 0, 2]), [flat], "r/Transpose_2"))
        } else {
          let squeezed = try m.node(SqueezeOp(axes: [1]), [results[0]], "r/Squeeze")
          outputs.append(try m.node(TransposeOp(permutation: [1, 0, 2]), [squeezed], "r/Transpose_1"))
        }
      }
      if wantsState {
        for state in results.dropFirst() {
          outputs.append(direction == .bidirectional ? state : try m.node(SqueezeOp(axes: [0]), [state], "r/Squeeze_1"))
        }
      }
      let kinds = try m.check(outputs, [array([2, 7, 4])])
      #expect(kinds.contains(direction == .bidirectional ? "Bidirectional" : kind == "RNN" ? "SimpleRNN" : kind))
      #expect(!kinds.contains("Transpose"))
    }
  }

  /// `h′ = tanh(x_t·K + h·R + b)` in a scan, and four times in a row.
  @Test(arguments: [false, true]) func stepsOfACell(_ isUnrolled: Bool) throws {
    var m = OpModel()
    let x = m.input("x", [.named("batch"), 4, 3])
    let weights = [m.weight("k", [3, 2]), m.weight("r", [2, 2]), m.weight("b", [2])]
    func step(_ c: inout GraphContext, _ x: ValueID, _ h: ValueID, _ weights: [ValueID]) throws -> ValueID {
      let sum = try c.add(try c.matmul(x, weights[0]), try c.matmul(h, weights[1]))
      return try c.apply(TanhOp(), try c.add(sum, weights[2]))
    }
    let batch = try m.context.dim(of: x, 0), shape = try m.context.concat([batch, try m.context.ints([2])], axis: 0)
    var h = try m.context.expand(try m.context.scalar(0, dtype: .float32), to: shape)
    if isUnrolled {
      for index in 0..<4 {
        let slice = try m.context.squeeze(try m.context.slice(x, axis: 1, start: index, end: index + 1), [1])
        h = try step(&m.context, slice, h, weights)
      }
    } else {
      let time = try m.node(TransposeOp(permutation: [1, 0, 2]), [x], "r/Transpose")
      var inner = GraphContext(m.context.model, graph: Graph(name: "body"))
      let state = inner.graph.addInput("h", TensorType(.float32, .ranked([.unknown, 2])))
      let slice = inner.graph.addInput("x", TensorType(.float32, .ranked([.unknown, 3])))
      let given = [[3, 2], [2, 2], [2]].enumerated().map { inner.graph.addInput("w\($0)", TensorType(.float32, $1)) }
      inner.graph.addOutput("h", try step(&inner, slice, state, given))
      m.context.model.graphs[GraphID("body")] = inner.graph
      let scan = ScanOp(stateCount: 1, inputAxes: [0], inputsReversed: [false], outputAxes: [], outputsReversed: [], scanTypes: [])
      let id = m.context.graph.append(
        scan, [h, time] + weights, types: [TensorType(.float32, .ranked([.unknown, 2]))], name: "r/scan", bodies: [GraphID("body")])
      h = m.context.graph[id].outputs[0]
    }
    let kinds = try m.check([h], [array([2, 4, 3])])
    #expect(kinds.contains("SimpleRNN"))
  }

  @Test func twoDirectionsOfOneLayer() throws {
    for wantsSequence in [true, false] {
      var m = OpModel()
      let x = m.input("x", [.named("batch"), 7, 4]), h = 3
      let swap = try m.node(TransposeOp(permutation: [1, 0, 2]), [x], "b/Transpose")
      var ends: [ValueID] = []
      for direction in [RecurrentDirection.forward, .reverse] {
        let weights = [
          m.weight("w\(direction)", [1, 4 * h, 4]), m.weight("r\(direction)", [1, 4 * h, h]), m.weight("b\(direction)", [1, 8 * h]),
        ]
        let results = try m.nodes(LSTMOp(hiddenSize: h, direction: direction), [swap] + weights, "b/LSTM_\(direction)")
        if wantsSequence {
          let squeezed = try m.node(SqueezeOp(axes: [1]), [results[0]], "b/Squeeze_\(direction)")
          ends.append(try m.node(TransposeOp(permutation: [1, 0, 2]), [squeezed], "b/Transpose_\(direction)"))
        } else {
          ends.append(try m.node(SqueezeOp(axes: [0]), [results[1]], "b/Squeeze_\(direction)"))
        }
      }
      let y = try m.node(ConcatOp(axis: wantsSequence ? 2 : 1), ends.map { $0 }, "b/Concat")
      #expect(try m.check([y], [array([2, 7, 4])]) == ["Bidirectional"])
    }
  }

  @Test func mergesAndShapes() throws {
    var m = OpModel()
    let a = m.input("a", [.named("batch"), 4, 6]), b = m.input("b", [.named("batch"), 4, 6])
    let sum = try m.node(AddOp(), [a, b], "add/Add")
    let product = try m.node(MulOp(), [sum, b], "/Mul")
    let joined = try m.node(ConcatOp(axis: 2), [product, a], "/Concat")
    let turned = try m.node(TransposeOp(permutation: [0, 2, 1]), [joined], "/Transpose")
    let shape = try m.context.ints([0, 8, -1])
    let shaped = try m.node(ReshapeOp(), [turned, shape], "/Reshape")
    let flat = try m.node(FlattenOp(), [shaped], "/Flatten")
    #expect(
      try m.check([flat], [array([2, 4, 6]), array([2, 4, 6], seed: 9)])
        == ["Add", "Multiply", "Concatenate", "Permute", "Reshape", "Flatten"])
  }

  @Test func averagesOfThree() throws {
    var m = OpModel()
    let inputs = (0..<3).map { m.input("x\($0)", [.named("batch"), 5]) }
    let first = try m.node(AddOp(), [inputs[0], inputs[1]], "average/Add"), sum = try m.node(AddOp(), [first, inputs[2]], "average/Add_1")
    let y = try m.node(DivOp(), [sum, try m.context.scalar(3, dtype: .float32)], "average/Div")
    #expect(try m.check([y], (0..<3).map { array([2, 5], seed: UInt64($0) + 1) }) == ["Average"])
  }

  @Test func tablesAndWeightsThatNoLayerTakes() throws {
    var m = OpModel()
    let x = m.input("x", [.named("batch"), 10], .int64)
    let rows = try m.node(GatherOp(axis: 0), [m.weight("table", [20, 8]), x], "/emb/Gather")
    let y = try m.node(AddOp(), [rows, m.weight("positions", [1, 10, 8])], "/Add")
    let kinds = try m.check([y], [NDArray((0..<20).map(Int64.init), [2, 10])])
    #expect(kinds.filter { $0 == "Embedding" }.count == 2)
  }

  @Test func sharedWeightsAreOneLayer() throws {
    var m = OpModel()
    let a = m.input("a", [.named("batch"), 6]), b = m.input("b", [.named("batch"), 6]), w = m.weight("w", [6, 4])
    let p = try m.node(MatMulOp(), [a, w], "d/MatMul"), q = try m.node(MatMulOp(), [b, w], "d/MatMul_1")
    let y = try m.node(SubOp(), [p, q], "s/Sub")
    #expect(try m.check([y], [array([2, 6]), array([2, 6], seed: 8)]) == ["Dense", "Dense", "Subtract"])
    var model = m.context.model
    model.graphs[.main] = m.context.graph
    for pass in LiftLayers.passes() { try pass.run(&model) }
    #expect(model.parameters.count == 1)
  }

  @Test func weightsMadeInTheGraph() throws {
    var m = OpModel()
    let x = m.input("x", [.named("batch"), 6])
    let codes = m.context.graph.addConstant(Tensor(NDArray((0..<24).map { Int8($0 - 12) }, [6, 4])))
    let scale = try m.context.scalar(0.1, dtype: .float32)
    let w = try m.node(DequantizeLinearOp(), [codes, scale], "w/DequantizeLinear")
    #expect(try m.check([try m.node(MatMulOp(), [x, w], "d/MatMul")], [array([2, 6])]) == ["Dense"])
  }

  @Test func piecesOfFunctions() throws {
    var m = OpModel()
    let x = m.input("x", [.named("batch"), 4, 8])
    func number(_ value: Double) throws -> ValueID { try m.context.scalar(value, dtype: .float32) }
    // x · 0.5 · (1 + erf(x / √2))
    let erf = try m.node(ErfOp(), [try m.node(DivOp(), [x, try number(2.0.squareRoot())], "g/Div")], "g/Erf")
    let gate = try m.node(AddOp(), [erf, try number(1)], "g/Add")
    let gelu = try m.node(MulOp(), [try m.node(MulOp(), [x, gate], "g/Mul"), try number(0.5)], "g/Mul_1")
    let silu = try m.node(MulOp(), [gelu, try m.node(SigmoidOp(), [gelu], "/s/Sigmoid")], "/s/Mul")
    // (x − mean) / √(mean((x − mean)²) + ε) · scale + bias
    let mean = try m.node(ReduceOp(.mean, axes: [-1]), [silu], "/ln/ReduceMean")
    let centred = try m.node(SubOp(), [silu, mean], "/ln/Sub")
    let variance = try m.node(ReduceOp(.mean, axes: [-1]), [try m.node(PowOp(), [centred, try number(2)], "/ln/Pow")], "/ln/ReduceMean_1")
    let deviation = try m.node(SqrtOp(), [try m.node(AddOp(), [variance, try number(1e-5)], "/ln/Add")], "/ln/Sqrt")
    let normal = try m.node(DivOp(), [centred, deviation], "/ln/Div")
    let scaled = try m.node(MulOp(), [normal, m.weight("g", [8])], "/ln/Mul"),
      y = try m.node(AddOp(), [scaled, m.weight("b", [8])], "/ln/Add_1")
    #expect(try m.check([y], [array([2, 4, 8])]) == ["Activation", "Activation", "LayerNormalization"])
  }
}
