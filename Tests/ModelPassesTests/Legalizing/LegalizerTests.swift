import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor
import Testing

@testable import ModelPasses

@Suite struct LegalizerTests {
  /// Takes only the ops named.
  private func profile(_ allowed: Set<String>) -> TargetProfile {
    TargetProfile(name: "test", level: .ops, layout: .channelsFirst) { node, _, _ in
      allowed.contains(node.op.displayName) ? nil : "not in the test's list"
    }
  }

  @Test func legalModelsStayAsTheyAre() throws {
    let model = try makeModel { c in [try c.apply(IdentityOp(), try c.apply(IdentityOp(), c.input("x", [2])))] }
    let (result, losses) = try Legalizer(profile(["Identity"])).run(model)
    #expect(result.opNames == ["Identity", "Identity"])
    #expect(losses.isEmpty)
  }

  @Test func compositesAreDecomposed() throws {
    let model = try makeModel { c in
      let x = c.input("x", [2, 3])
      return [try c.apply(LpNormalizationOp(), x)]
    }
    let parts: Set<String> = ["Reduce", "Equal", "Where", "Div"]
    let (result, _) = try Legalizer(profile(parts)).run(model)
    #expect(Set(result.opNames) == parts)
    var noise = Noise(2)
    let x = noise.array([2, 3])
    try expectClose(try Interpreter(model: result).run([x]), try Interpreter(model: model).run([x]))
  }

  @Test func everythingRefusedIsListed() throws {
    let model = try makeModel { c in
      let x = c.input("x", [2, 3])
      let y = try c.apply(ReluOp(), try c.apply(ReluOp(), x))
      return [try c.apply(SigmoidOp(), y)]
    }
    do {
      _ = try Legalizer(profile([])).run(model)
      Issue.record("nothing was refused")
    } catch let error as UnsupportedError {
      #expect(Set(error.items.map { "\($0.name) \($0.count)" }) == ["Relu 2", "Sigmoid 1"])
    }
  }

  @Test func foreignOpsAreListedFirst() throws {
    let model = try makeModel { c in
      let x = c.input("x", [2, 3])
      let node = c.graph.append(
        OpaqueOp(format: "keras", type: "Lambda", resultTypes: [TensorType(.float32, [2, 3])], reason: "custom code"), [x],
        types: [TensorType(.float32, [2, 3])], name: "lambda")
      return [c.graph[node].outputs[0]]
    }
    #expect(throws: UnsupportedError.self) { try Legalizer(profile(["Relu"])).run(model) }
  }

  @Test func absentScaleAndShiftAreWrittenOut() throws {
    let model = try makeModel { c in
      let x = c.input("x", [2, 3, 4, 4]), one = c.weight("mean", NDArray([Float](repeating: 1, count: 3), [3]))
      let y = try c.apply(BatchNormalizationOp(axis: 1), x, nil, nil, one, one)
      return [try c.apply(LpNormalizationOp(), y)]
    }
    let (result, _) = try Legalizer(profile(["BatchNormalization", "Reduce", "Equal", "Where", "Div"])).run(model)
    #expect(result.node("BatchNormalization")?.inputs.allSatisfy { $0 != nil } == true)
  }

  /// Every port's value has the port's name, and no two values share one.
  @Test func namesAreUnique() throws {
    var model = try makeModel { c in
      let x = c.input("x", [2])
      let y = try c.append(ReluOp(), [x], name: "same", resultNames: ["same"])[0]
      let z = try c.append(ReluOp(), [y], name: "same", resultNames: ["same"])[0]
      return [z, z, x]
    }
    try FinalizeNames().run(&model)
    try model.validate()
    let graph = model.mainGraph
    let names = graph.valueIDs.map { graph[$0].name }
    #expect(Set(names).count == names.count)
    for port in graph.inputs + graph.outputs { #expect(graph[port.value].name == port.name) }
    #expect(Set(graph.nodeSlots.compactMap { $0?.name }).count == graph.nodeCount)
  }

  @Test func brokenModelsAreFound() throws {
    let model = try makeModel { c in [try c.apply(ReluOp(), c.input("x", [2, 3]))] }
    var wrongType = model
    let output = model.mainGraph.outputs[0].value
    wrongType.mainGraph[output].type = TensorType(.float32, [7])
    #expect(throws: GraphError.self) { try wrongType.validate() }
    var noMain = model
    noMain.main = GraphID("elsewhere")
    #expect(throws: GraphError.self) { try noMain.validate() }
    var nested = model
    nested.mainGraph.append(
      CallOp(), [nested.mainGraph.inputs[0].value], types: [TensorType(.float32, [2, 3])], name: "call", bodies: [.main])
    #expect(throws: GraphError.self) { try nested.validate() }
  }
}
