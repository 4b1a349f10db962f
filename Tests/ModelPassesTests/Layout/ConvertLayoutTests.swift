import ModelGraph
import ModelOps
import ModelTensor
import Testing

@testable import ModelPasses

/// Graphs converted to the other layout compute the same, whatever the extents.
@Suite struct ConvertLayoutTests {
  private func transposes(_ model: Model) -> Int {
    model.mainGraph.nodeSlots.filter { ($0?.op as? TransposeOp) != nil }.count
  }

  @Test(arguments: 0..<60) func randomGraphs(_ seed: Int) throws {
    for layout in [DataLayout.channelsLast, .channelsFirst] {
      for isEven in [false, true] {
        for openBatch in [false, true] {
          var random = try RandomImageGraph(seed: UInt64(seed) + 1, layout: layout, isEven: isEven, openBatch: openBatch)
          try random.grow(12)
          var model = random.finish()
          try model.validate()
          let expected = try Interpreter(model: model).run([random.input])
          let ports = model.mainGraph.outputs.map { model.mainGraph[$0.value].type }
          try FoldConstants().run(&model)
          try model.validate()
          try expectClose(try Interpreter(model: model).run([random.input]), expected, "folded \(layout) even \(isEven)")
          let target: DataLayout = layout == .channelsLast ? .channelsFirst : .channelsLast
          try ConvertLayout(to: target).run(&model)
          try model.validate()
          #expect(!ConvertLayout(to: target).isNeeded(model))
          try expectClose(try Interpreter(model: model).run([random.input]), expected, "to \(target) even \(isEven)")
          try FoldConstants().run(&model)
          try model.validate()
          try expectClose(try Interpreter(model: model).run([random.input]), expected, "to \(target), folded")
          #expect(model.mainGraph.outputs.map { model.mainGraph[$0.value].type }.elementsEqual(ports) { $0.agrees(with: $1) })
        }
      }
    }
  }

  /// Conv, normalisation, a squeeze-and-excite branch, a skip connection, padding, pooling, a head: one transpose.
  @Test func bodyHasNoTransposes() throws {
    var context = GraphContext(Model(), graph: Graph())
    var noise = Noise(5)
    func weight(_ shape: [Int]) -> ValueID {
      let id = context.model.add(Parameter(name: "w", tensor: Tensor(noise.array(shape))))
      return context.graph.addParameter(id, of: context.model)
    }
    let x = context.graph.addInput("x", TensorType(.float32, .ranked([.named("batch"), 8, 8, 3])))
    func conv(_ x: ValueID, _ kernel: [Int], strides: [Int] = []) throws -> ValueID {
      let op = ConvOp(strides: strides, padding: .same, layout: .channelsLast, kernelLayout: .spatialInputOutput)
      return try context.apply(op, x, weight(kernel), weight([kernel[3]]))
    }
    let stem = try context.apply(ReluOp(), try conv(x, [3, 3, 3, 4]))
    let ones = weight([4])
    let normal = try context.apply(
      BatchNormalizationOp(axis: 3), stem, ones, ones, ones, try context.constant(NDArray([Float](repeating: 1, count: 4), [4])))
    let squeezed = try context.reshape(try context.reduce(.mean, normal, axes: [1, 2], keepDims: false), [-1, 1, 1, 4])
    let excited = try context.apply(SigmoidOp(), try conv(squeezed, [1, 1, 4, 4]))
    let scaled = try context.add(try context.mul(normal, excited), stem)
    let padded = try context.pad(scaled, before: [0, 1, 1, 0], after: [0, 1, 1, 0])
    let pooled = try context.apply(PoolOp(.max, kernel: [2, 2], strides: [2, 2], layout: .channelsLast), padded)
    let joined = try context.concat([pooled, try conv(pooled, [3, 3, 4, 2])], axis: 3)
    let flat = try context.reshape(joined, [-1, 5 * 5 * 6])
    let head = try context.softmax(try context.matmul(flat, weight([150, 4])))
    context.graph.addOutput("y", head)
    var model = context.model
    model.mainGraph = context.graph
    let input = noise.array([2, 8, 8, 3])
    let expected = try Interpreter(model: model).run([input])
    try ConvertLayout(to: .channelsFirst).run(&model)
    try FoldConstants().run(&model)
    try model.validate()
    try expectClose(try Interpreter(model: model).run([input]), expected)
    #expect(transposes(model) == 1)
    var inside = model
    try ConvertLayout(to: .channelsFirst, ioLayout: .nchw).run(&inside)
    #expect(transposes(inside) == 0)
    #expect(inside.mainGraph[inside.mainGraph.inputs[0].value].type.shape == .ranked([.named("batch"), 3, 8, 8]))
    try ConvertLayout(to: .channelsLast).run(&model)
    try FoldConstants().run(&model)
    try expectClose(try Interpreter(model: model).run([input]), expected)
    #expect(transposes(model) == 0)
  }

  /// An input of unknown rank has the rank that the weights have.
  @Test func unknownRank() throws {
    var noise = Noise(6)
    let kernel = noise.array([3, 3, 2, 4]), image = noise.array([1, 5, 6, 2])
    var model = try makeModel { c in
      let x = c.graph.addInput("x", TensorType(.float32, .unranked)), w = c.weight("w", kernel)
      return [try c.apply(ConvOp(padding: .same, layout: .channelsLast, kernelLayout: .spatialInputOutput), x, w)]
    }
    let expected = try Interpreter(model: model).run([image])
    try ConvertLayout(to: .channelsFirst).run(&model)
    try model.validate()
    try expectClose(try Interpreter(model: model).run([image]), expected)
    #expect(transposes(model) == 2)
  }

  @Test func nothingToDoChangesNothing() throws {
    var random = try RandomImageGraph(seed: 3, layout: .channelsFirst, isEven: false)
    try random.grow(10)
    var model = random.finish()
    let before = model.mainGraph.nodeSlots.map { $0?.name }
    try ConvertLayout(to: .channelsFirst).run(&model)
    #expect(model.mainGraph.nodeSlots.count == before.count)
  }
}
