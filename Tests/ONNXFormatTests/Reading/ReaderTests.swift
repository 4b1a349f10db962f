import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor
import ONNXFormat
import Testing

@Suite struct ReaderTests {
  @Test func bodiesAreClosed() throws {
    let model = try ONNXReader.read(Fixtures.structure("loop"))
    #expect(model.mainGraph.ops == ["Mul", "Loop"])
    let loop = try #require(model.mainGraph.nodeIDs.last.map { model.mainGraph[$0] })
    let body = try #require(model.graphs[loop.bodies[0]])
    // Iteration, condition, one carried value; the product of the main graph is captured by the branch inside. The
    // constants and the weight are repeated instead.
    #expect(body.inputs.map(\.name) == ["i", "ci", "a", "d"])
    #expect(loop.inputs.count == 4)
    let condition = try #require(body.nodeIDs.map { body[$0] }.first { $0.op is IfOp })
    let branches = condition.bodies.compactMap { model.graphs[$0] }
    #expect(branches.map(\.ops) == [["Add", "Mul"], ["Sub", "Add", "Identity"]])
    #expect(branches.allSatisfy { $0.inputs.map(\.name) == ["a", "d"] })
    #expect(model.parameterIDs.count == 1)
  }

  @Test func scansKnowTheirSlices() throws {
    let model = try ONNXReader.read(Fixtures.structure("scan"))
    let node = try #require(model.mainGraph.nodeIDs.first.map { model.mainGraph[$0] })
    let op = try #require(node.op as? ScanOp)
    #expect(op.stateCount == 1)
    #expect(op.inputsReversed == [true])
    #expect(op.scanTypes == [TensorType(.float32, [2])])
    #expect(node.outputs.map { model.mainGraph[$0].type } == [TensorType(.float32, [2]), TensorType(.float32, [5, 2])])
  }

  @Test func functionsAreInlinedWithTheirAttributes() throws {
    let graph = try ONNXReader.read(Fixtures.structure("functions")).mainGraph
    #expect(graph.ops == ["LeakyRelu", "Neg", "LeakyRelu", "Neg", "Add", "LeakyRelu", "Neg"])
    let slopes = graph.nodeIDs.compactMap { (graph[$0].op as? LeakyReluOp)?.alpha }
    #expect(slopes == [0.3, 0.7, 0.05])
    #expect(graph.outputs.map(\.name) == ["y"])
  }

  @Test func oldSpellingsAreUpgraded() throws {
    let model = try ONNXReader.read(Fixtures.structure("opset6"))
    let graph = model.mainGraph
    #expect(graph.inputs.map(\.name) == ["x"])
    #expect(graph.ops == ["Unsqueeze", "Add", "Clip", "Pad", "Reshape", "Flatten", "Softmax", "Shape", "Reshape"])
    let output = try #require(graph.outputs.first)
    #expect(graph[output.value].type == TensorType(.float32, [2, 3, 36]))
  }

  @Test func namesAndMetadataAreKept() throws {
    let model = try ONNXReader.read(Fixtures.structure("metadata"))
    #expect(model.name == "mygraph")
    #expect(model.producer == "someone 2.1")
    #expect(model.metadata["author"] == "nobody")
    let graph = model.mainGraph
    let input = try #require(graph.inputs.first)
    #expect(graph[input.value].type == TensorType(.float32, .ranked([.named("batch"), .named("seq"), 8])))
    #expect(graph.node("first")?.op is ShapeOp)
    #expect(ONNXWriter.opset(of: model) == 18)
  }

  @Test func foreignOperatorsAreCarried() throws {
    let graph = try ONNXReader.read(Fixtures.structure("domains")).mainGraph
    let node = try #require(graph.nodeIDs.last.map { graph[$0] })
    let op = try #require(node.op as? OpaqueOp)
    #expect(op.displayName == "com.example::Mystery")
    #expect(op.foreignAttributes["level"]?.description == "3")
    #expect(graph[node.outputs[0]].type == TensorType(.float32, .ranked([.named("N"), 4, 5])))
  }
}
