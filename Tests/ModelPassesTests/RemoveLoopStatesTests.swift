import ModelGraph
import ModelOps
import ModelTensor
import Testing

@testable import ModelPasses

@Suite struct RemoveLoopStatesTests {
  /// `While` over (i, n, m, y): i < 4; i + 1, n + 1, m + n, sin(y) + m where `isFed`, else without it.
  private func loop(isFed: Bool, usesCounter: Bool = false) throws -> Model {
    let scalar = TensorType(.int64, []), vector = TensorType(.float32, [3]), types = [scalar, scalar, scalar, vector]
    var model = Model()
    for (label, isBody) in [("condition", false), ("body", true)] {
      var g = GraphContext(Model(), graph: Graph(name: label))
      let states = types.enumerated().map { g.graph.addInput("s\($0)", $1) }
      let one = try g.scalar(1, dtype: .int64)
      if isBody {
        let m = try g.add(states[2], states[1])
        let sine = try g.apply(SinOp(), states[3])
        let y = isFed ? try g.add(sine, try g.cast(states[2], to: .float32)) : sine
        let next = [try g.add(states[0], one), try g.add(states[1], one), m, y]
        for (index, value) in next.enumerated() { g.graph.addOutput("t\(index)", value) }
      } else {
        g.graph.addOutput("goes on", try g.apply(LessOp(), states[0], try g.scalar(4, dtype: .int64)))
      }
      model.graphs[GraphID(label)] = g.graph
    }
    var g = GraphContext(Model(), graph: Graph())
    let x = g.graph.addInput("x", vector), zero = try g.scalar(0, dtype: .int64), one = try g.scalar(1, dtype: .int64)
    let id = g.graph.append(
      WhileOp(stateCount: 4), [zero, one, zero, x], types: types, name: "while", bodies: [GraphID("condition"), GraphID("body")])
    let outputs = g.graph[id].outputs
    g.graph.addOutput("y", outputs[3])
    if usesCounter { g.graph.addOutput("n", outputs[1]) }
    model.mainGraph = g.graph
    return model
  }

  private func stateCount(_ model: Model) -> Int? { (model.node("While")?.op as? WhileOp)?.stateCount }

  @Test func statesThatComputeOnlyThemselvesGo() throws {
    var model = try loop(isFed: false)
    try RemoveDeadCode().run(&model)
    try model.validate()
    #expect(stateCount(model) == 2)
    #expect(model.graphs[GraphID("body")]?.inputs.map(\.name) == ["s0", "s3"])
    #expect(model.graphs[GraphID("body")]?.outputs.map(\.name) == ["t0", "t3"])
    #expect(model.graphs[GraphID("condition")]?.inputs.map(\.name) == ["s0", "s3"])
    #expect(model.graphs[GraphID("body")]?.nodeCount == 2)
  }

  @Test func whatALiveStateIsMadeOfStays() throws {
    var model = try loop(isFed: true)
    try RemoveDeadCode().run(&model)
    try model.validate()
    #expect(stateCount(model) == 4)
  }

  @Test func aResultThatIsUsedStays() throws {
    var model = try loop(isFed: false, usesCounter: true)
    try RemoveDeadCode().run(&model)
    try model.validate()
    #expect(stateCount(model) == 3)
    #expect(model.mainGraph.outputs.map(\.name) == ["y", "n"])
  }
}
