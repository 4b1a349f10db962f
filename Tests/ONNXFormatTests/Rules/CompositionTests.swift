import ModelGraph
import ModelOps
import ModelTensor
import ONNXFormat
import Testing

/// Ops without an operator of their own, in what they are written as.
@Suite struct CompositionTests {
  private func written(
    _ op: any Op, _ types: [TensorType], opset: Int, constants: [NDArray] = []
  ) throws -> [String] {
    var context = GraphContext(Model(), graph: Graph())
    var inputs: [ValueID?] = types.enumerated().map { context.graph.addInput("x\($0)", $1) }
    for array in constants { inputs.append(try context.constant(array)) }
    let results = try context.apply(op, to: inputs)
    for (index, result) in results.enumerated() { context.graph.addOutput("y\(index)", result) }
    var model = context.model
    model.mainGraph = context.graph
    return try ONNXWriter(opset: opset).encode(model).graph?.node.compactMap(\.opType) ?? []
  }

  @Test func geluBeforeOpset20() throws {
    let type = TensorType(.float32, [2, 3])
    #expect(try written(GeluOp(), [type], opset: 20) == ["Gelu"])
    #expect(try written(GeluOp(), [type], opset: 18) == ["Mul", "Mul", "Erf", "Add", "Mul"])
    #expect(try written(MishOp(), [type], opset: 13) == ["Softplus", "Tanh", "Mul"])
    #expect(try written(SiluOp(), [type], opset: 18) == ["Sigmoid", "Mul"])
  }

  @Test func channelsLastIsTransposedAround() throws {
    let conv = ConvOp(padding: .same, layout: .channelsLast, kernelLayout: .spatialInputOutput)
    let kernel = NDArray([Float](repeating: 1, count: 3 * 3 * 2 * 4), [3, 3, 2, 4])
    #expect(
      try written(conv, [TensorType(.float32, [1, 8, 8, 2])], opset: 18, constants: [kernel]) == ["Transpose", "Conv", "Transpose"])
    let pool = PoolOp(.max, kernel: [2, 2], strides: [2, 2], layout: .channelsLast)
    #expect(try written(pool, [TensorType(.float32, [1, 8, 8, 2])], opset: 18) == ["Transpose", "MaxPool", "Transpose"])
  }

  @Test func matricesAreTransposedWhereConstant() throws {
    let weight = NDArray([Float](repeating: 1, count: 12), [4, 3])
    #expect(
      try written(MatMulOp(transposeB: true), [TensorType(.float32, [2, 3])], opset: 18, constants: [weight]) == ["MatMul"])
  }

  @Test func floorsAndRemaindersOfIntegers() throws {
    let type = TensorType(.int64, [4])
    #expect(try written(ModOp(), [type, type], opset: 18) == ["Mod"])
    #expect(try written(FloorDivOp(), [type, type], opset: 18).last == "Where")
    #expect(try written(FloorDivOp(), [TensorType(.float32, [4]), TensorType(.float32, [4])], opset: 18) == ["Div", "Floor"])
  }
}
