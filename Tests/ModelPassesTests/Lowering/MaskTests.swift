import ModelGraph
import ModelLayers
import ModelOps
import ModelTensor
import Testing

@testable import ModelPasses

/// Masks travel with the tensors, through nested models too, and leave nothing behind where nobody wants them.
@Suite struct MaskTests {
  private func layer(
    _ op: LayerOp, _ inputs: [ValueID], _ type: TensorType, _ name: String, _ graph: inout Graph
  ) -> ValueID {
    graph[graph.append(op, inputs, types: [type], name: name)].outputs[0]
  }

  /// Embedding(mask_zero) → nested(Dropout) → what follows.
  private func model(_ last: LayerOp, _ weights: [[Int]], _ type: TensorType) -> Model {
    var model = Model(), graph = Graph(), inner = Graph(name: "encoder")
    var noise = Noise(4)
    let sequence = TensorType(.float32, .ranked([.named("batch"), 4, 3]))
    let x = graph.addInput("tokens", TensorType(.int32, .ranked([.named("batch"), 4])))
    var embedding = Embedding()
    (embedding.inputDim, embedding.outputDim, embedding.maskZero) = (6, 3, true)
    let table = model.add(Parameter(name: "embedding/embeddings", tensor: Tensor(noise.array([6, 3]))))
    let e = layer(LayerOp(embedding), [x, graph.addParameter(table, of: model)], sequence, "embedding", &graph)
    let i = inner.addInput("input", sequence)
    inner.addOutput("dropout", layer(LayerOp(Dropout()), [i], sequence, "dropout", &inner))
    model.graphs[.main] = graph
    model.graphs[GraphID("encoder")] = inner
    let call = graph.append(CallOp(), [e], types: [sequence], name: "encoder", bodies: [GraphID("encoder")])
    var inputs = [graph[call].outputs[0]]
    for (index, shape) in weights.enumerated() {
      let id = model.add(Parameter(name: "last/w\(index)", tensor: Tensor(noise.array(shape))))
      inputs.append(graph.addParameter(id, of: model))
    }
    graph.addOutput("last", layer(last, inputs, type, "last", &graph))
    model.mainGraph = graph
    return model
  }

  @Test func averageLeavesMaskedStepsOut() throws {
    var model = model(LayerOp(GlobalAveragePooling1D()), [], TensorType(.float32, .ranked([.named("batch"), 3])))
    try LowerLayers().run(&model)
    try model.validate()
    #expect(model.graphs.count == 1)
    let long = try Interpreter(model: model).run([NDArray([Int32(1), 2, 0, 0], [1, 4])])[0].doubles()
    let table = model.parameters[0].tensor
    let rows = try table.array().doubles()
    for axis in 0..<3 { #expect(abs(long[axis] - (rows[3 + axis] + rows[6 + axis]) / 2) < 1e-6) }
  }

  @Test func unusedMasksLeaveNothing() throws {
    var model = model(LayerOp(Dense(units: 2)), [[3, 2], [2]], TensorType(.float32, .ranked([.named("batch"), 4, 2])))
    try LowerLayers().run(&model)
    #expect(model.opNames == ["Gather", "MatMul", "Add"])
    let last = model.mainGraph.outputs[0].value
    #expect(model.mainGraph[last].name == "last")
    #expect(model.node("MatMul")?.name == "last/MatMul")
    #expect(model.node("MatMul")?.origin.passes == ["lower-layers"])
  }
}
