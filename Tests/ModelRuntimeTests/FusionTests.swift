import ModelGraph
import ModelOps
import ModelTensor
import TestSupport
import Testing

@testable import ModelRuntime

/// Each fused plan is held against the same graph run node by node on the plain definitions.
private struct Network {
  var context = GraphContext(Model(), graph: Graph())
  private var state: UInt64 = 7

  mutating func numbers(_ shape: [Int], positive: Bool = false) -> NDArray {
    NDArray(
      (0..<shape.reduce(1, *)).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1
        let value = Float(state >> 40) / Float(1 << 23) - 1
        return positive ? abs(value) + 0.25 : value
      }, shape)
  }
  mutating func weight(_ shape: [Int], positive: Bool = false) -> ValueID {
    let id = context.model.add(Parameter(name: "w\(context.model.parameters.count)", tensor: Tensor(numbers(shape, positive: positive))))
    return context.graph.addParameter(id, of: context.model)
  }
  mutating func scalar(_ value: Float) throws -> ValueID { try context.constant(NDArray(scalar: value)) }
  mutating func input(_ shape: [Int]) -> ValueID {
    context.graph.addInput("x", TensorType(.float32, .ranked([.named("n")] + shape.dropFirst().map(Dim.fixed))))
  }
  mutating func normalized(_ x: ValueID, _ channels: Int, axis: Int) throws -> ValueID {
    let inputs: [ValueID?] = [
      x, weight([channels]), weight([channels]), weight([channels]), weight([channels], positive: true),
    ]
    return try context.apply(BatchNormalizationOp(epsilon: 1e-3, axis: axis), to: inputs)[0]
  }

  /// Runs fused and plain, compares, and returns the op names of the fused plan.
  mutating func check(_ shape: [Int], _ outputs: [ValueID], tolerance: Float = 2e-5, sourceLocation: SourceLocation = #_sourceLocation)
    throws -> [String]
  {
    for (index, value) in outputs.enumerated() { context.graph.addOutput("y\(index)", value) }
    var model = context.model
    model.mainGraph = context.graph
    let x = numbers(shape)
    let fused = try Executor(model, options: ExecutionOptions(threads: 2))
    let plain = try Executor(model, options: ExecutionOptions(fuses: false, usesReference: true))
    let expected = try plain.run([x])
    // The second run uses what the first has packed.
    for _ in 0..<2 {
      for (a, b) in zip(try fused.run([x]), expected) {
        #expect(a.shape == b.shape, sourceLocation: sourceLocation)
        let worst = worstExcess(a, b, absolute: Double(tolerance), relative: Double(tolerance))
        #expect(worst <= 0, sourceLocation: sourceLocation)
      }
    }
    return try Plan(fusing: model, entry: .main).programs[.main]?.steps.map(\.op.displayName) ?? []
  }
}

@Test(arguments: [DataLayout.channelsLast, .channelsFirst])
func residualBlockBecomesConvolutions(_ layout: DataLayout) throws {
  var net = Network()
  let shape = layout == .channelsLast ? [2, 7, 9, 5] : [2, 5, 7, 9], axis = layout == .channelsLast ? 3 : 1
  let x = net.input(shape)
  func conv(_ k: Int, _ padding: Padding) -> ConvOp {
    ConvOp(padding: padding, layout: layout, kernelLayout: layout == .channelsLast ? .spatialInputOutput : .outputInputSpatial)
  }
  func kernel(_ k: Int, _ i: Int, _ o: Int) -> [Int] { layout == .channelsLast ? [k, k, i, o] : [o, i, k, k] }
  let pads = [Int](repeating: 0, count: 8).enumerated().map { $0.offset % 4 == axis || $0.offset % 4 == 0 ? 0 : 1 }
  let padded = try net.context.apply(PadOp(), x, try net.context.ints(pads))
  var y = try net.context.apply(conv(3, .valid), padded, net.weight(kernel(3, 5, 6)), net.weight([6]))
  y = try net.context.apply(ReluOp(), try net.normalized(y, 6, axis: axis))
  y = try net.context.apply(conv(1, .same), y, net.weight(kernel(1, 6, 5)))
  y = try net.context.apply(ReluOp(), try net.context.add(x, try net.normalized(y, 5, axis: axis)))
  let names = try net.check(shape, [y])
  // Channels first, the transpose that brings the channels last stands behind the padding, which stays.
  let kept = names.filter { $0 != "Transpose" && (layout == .channelsLast || $0 != "Pad") }
  #expect(kept == ["Conv", "Conv"])
}

@Test func siluAndCutOffActivations() throws {
  var net = Network()
  let x = net.input([1, 6, 6, 4])
  let conv = ConvOp(padding: .same, layout: .channelsLast, kernelLayout: .spatialInputOutput)
  var y = try net.context.apply(conv, x, net.weight([3, 3, 4, 4]))
  y = try net.context.mul(y, try net.context.apply(SigmoidOp(), y))
  y = try net.context.apply(conv, y, net.weight([3, 3, 4, 4]))
  y = try net.context.apply(ClipOp(), y, try net.scalar(0), try net.scalar(6))
  // A sigmoid gate of its own is no SiLU.
  let gate = try net.context.apply(SigmoidOp(), try net.context.reduce(.mean, y, axes: [1, 2], keepDims: true))
  y = try net.context.mul(y, gate)
  #expect(try net.check([1, 6, 6, 4], [y]) == ["Conv", "Conv", "Reduce", "Sigmoid", "Mul"])
}

@Test func productsTakeTheirBias() throws {
  var net = Network()
  let x = net.input([3, 7])
  var y = try net.context.apply(ReluOp(), try net.context.add(try net.context.matmul(x, net.weight([7, 20])), net.weight([20])))
  y = try net.context.apply(GemmOp(transposeB: true), y, net.weight([9, 20]), net.weight([9]))
  y = try net.context.mul(y, net.weight([1, 9]))
  y = try net.context.sub(y, try net.scalar(0.5))
  #expect(try net.check([3, 7], [y]) == ["MatMul", "MatMul"])
}

@Test func whatOthersUseStays() throws {
  var net = Network()
  let x = net.input([2, 5])
  let product = try net.context.matmul(x, net.weight([5, 5]))
  let sum = try net.context.add(product, net.weight([5]))
  // Both the product and the sum are seen outside.
  let y = try net.context.apply(ReluOp(), sum)
  #expect(try net.check([2, 5], [y, product, sum]) == ["MatMul", "Add", "Relu"])
}

@Test func biasOfOtherShapesStays() throws {
  var net = Network()
  let x = net.input([4, 5])
  let product = try net.context.matmul(x, net.weight([5, 4]))
  // One for each row, and one that adds an axis: neither is one for each channel.
  let sum = try net.context.add(try net.context.add(product, net.weight([4, 1])), net.weight([2, 1, 1]))
  #expect(try net.check([4, 5], [sum]) == ["MatMul", "Add", "Add"])
}

@Test func residualsMayBroadcast() throws {
  var net = Network()
  let x = net.input([4, 5])
  let row = try net.context.reduce(.sum, x, axes: [0], keepDims: true)
  let product = try net.context.matmul(x, net.weight([5, 5]))
  let y = try net.context.apply(ReluOp(), try net.context.add(product, row))
  _ = try net.check([4, 5], [y])
}
