import ModelGraph
import ModelOps
import ModelTensor
import Testing

@testable import ModelPasses

/// Lifting takes no longer for each of many ops than for one.
@Suite struct LongChainTests {
  @Test(.timeLimit(.minutes(1))) func thousandsOfOpsOfOneName() throws {
    var context = GraphContext(Model(), graph: Graph())
    let type = TensorType(.float32, .ranked([.unknown, 4])), count = 20_000
    var y = context.graph.addInput("x", type)
    for _ in 0..<count {
      let id = context.graph.append(ReluOp(), [y], types: [type], name: "relu")
      y = context.graph[id].outputs[0]
    }
    context.graph.addOutput("y", y)
    var model = context.model
    model.mainGraph = context.graph
    let start = ContinuousClock.now
    try LiftLayers().run(&model)
    #expect(start.duration(to: .now) < .seconds(30))
    let names = Set(model.mainGraph.nodeIDs.map { model.mainGraph[$0].name })
    #expect(names.count == count && names.contains("relu") && names.contains("relu_19998") && names.contains("y"))
  }

  @Test func whatWasSetIsTakenBack() {
    var values = Additions<Int, String>()
    values[1] = "a"
    values.mark()
    values[1] = "b"
    values[2] = "c"
    values[2] = "d"
    values.revert()
    #expect(values[1] == "a" && values[2] == nil)
    values[3] = "e"
    values.mark()
    values.revert()
    #expect(values[3] == "e")
  }
}
