import ModelGraph
import ModelOps
import ModelPasses
import ModelTensor
import Testing

@Suite struct CellTests {
  /// A loop whose body doubles its state over and over: looked at path by path, that is 2^28 sums.
  @Test(.timeLimit(.minutes(1))) func doublingSums() throws {
    let state = TensorType(.float32, .ranked([2, 4]))
    var step = GraphContext(Model(), graph: Graph(name: "step"))
    var sum = step.graph.addInput("h", state)
    _ = step.graph.addInput("x", state)
    for _ in 0..<28 { sum = try step.add(sum, sum) }
    let next = try step.apply(TanhOp(), sum)
    step.graph.addOutput("h", next)
    step.graph.addOutput("y", next)
    var model = step.model
    let body = GraphID("step")
    model.graphs[body] = step.graph
    var main = GraphContext(model, graph: Graph())
    let start = main.graph.addInput("start", state)
    let x = main.graph.addInput("x", TensorType(.float32, .ranked([5, 2, 4])))
    let scan = ScanOp(
      stateCount: 1, inputAxes: [0], inputsReversed: [false], outputAxes: [0], outputsReversed: [false], scanTypes: [state])
    let node = main.graph.append(
      scan, [start, x], types: [state, TensorType(.float32, .ranked([5, 2, 4]))], name: "scan", bodies: [body])
    main.graph.addOutput("y", main.graph[node].outputs[1])
    model.mainGraph = main.graph
    try model.validate()
    try RecognizeCells().run(&model)
    try RecognizeRecurrence().run(&model)
    #expect(model.opNames == ["Scan"])
  }
}
