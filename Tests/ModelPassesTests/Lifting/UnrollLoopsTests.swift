import ModelGraph
import ModelOps
import ModelTensor
import Testing

@testable import ModelPasses

@Suite struct UnrollLoopsTests {
  /// `While` over a counter below 3 and `width` numbers, each of which becomes the counter doubled `depth` times; the first result is given.
  private func loop(depth: Int, width: Int, _ type: DType = .int64) throws -> Model {
    let types = [TensorType](repeating: TensorType(type, []), count: width + 1)
    var model = Model()
    for (label, isBody) in [("condition", false), ("body", true)] {
      var g = GraphContext(Model(), graph: Graph(name: label))
      let states = types.enumerated().map { g.graph.addInput("s\($0)", $1) }
      if isBody {
        g.graph.addOutput("t0", try g.add(states[0], try g.scalar(1, dtype: type)))
        var value = states[0]
        for _ in 0..<depth { value = try g.add(value, value) }
        for index in 1...width { g.graph.addOutput("t\(index)", value) }
      } else {
        g.graph.addOutput("goes on", try g.apply(LessOp(), states[0], try g.scalar(3, dtype: type)))
      }
      model.graphs[GraphID(label)] = g.graph
    }
    var g = GraphContext(Model(), graph: Graph())
    let zero = try g.scalar(0, dtype: type), x = g.graph.addInput("x", types[0])
    let id = g.graph.append(
      WhileOp(stateCount: width + 1), [zero] + [ValueID](repeating: x, count: width), types: types, name: "while",
      bodies: [GraphID("condition"), GraphID("body")])
    g.graph.addOutput("y", g.graph[id].outputs[1])
    model.mainGraph = g.graph
    return model
  }

  /// A value that many take is looked at once in each turn: else each of these would be looked at 2¹⁵ times for each of 200 states.
  @Test(.timeLimit(.minutes(1))) func sharedCountersAreLookedAtOnce() throws {
    var model = try loop(depth: 15, width: 200)
    try UnrollLoops().run(&model)
    try model.validate()
    #expect(model.node("While") == nil)
    #expect(model.mainGraph.nodeSlots.filter { $0?.op is AddOp }.count == 3 * 16)
  }

  /// Integers of 8 bits wrap earlier than the numbers that turns are counted with.
  @Test func narrowCountersAreNotForetold() throws {
    var model = try loop(depth: 1, width: 1, .int8)
    try UnrollLoops().run(&model)
    #expect(model.node("While") != nil)
  }
}
