import ModelGraph
import ModelOps
import ModelPasses
import ModelTensor
import Testing

@testable import ModelRuntime

/// `y = x + s`, `s ← y`: a running sum that starts with 10.
private func runningSum(_ role: StateVariable.Role) throws -> Model {
  var context = GraphContext(Model(), graph: Graph())
  let x = context.graph.addInput("x", TensorType(.float32, [2]))
  let (place, sum) = context.graph.addState("sum", initial: Tensor(NDArray([10, 20] as [Float], [2])), role: role)
  let y = try context.append(AddOp(), [x, sum], name: "y")[0]
  context.graph.addOutput("y", y)
  context.graph.bindState(place, to: y)
  var model = context.model
  model.mainGraph = context.graph
  return model
}

private let ones = NDArray([1, 1] as [Float], [2])

@Test func eachRunStartsFromTheInitialState() throws {
  let executor = try Executor(try runningSum(.stream))
  #expect(executor.inputs.map(\.name) == ["x"] && executor.outputs.map(\.name) == ["y"])
  for _ in 0..<2 { #expect(try executor.run([ones])[0].values(Float.self) == [11, 21]) }
}

@Test func aCallerKeepsTheState() throws {
  let executor = try Executor(try runningSum(.stream))
  var state = try executor.initialState()
  _ = try executor.run([ones], state: &state)
  #expect(try executor.run([ones], state: &state)[0].values(Float.self) == [12, 22])
  #expect(state[0].values(Float.self) == [12, 22])
}

@Test func theStateOfALayerBecomesAConstant() throws {
  var model = try runningSum(.sequence)
  try ResolveState().run(&model)
  try model.validate()
  #expect(!model.hasState && model.mainGraph.inputs.count == 1 && model.mainGraph.outputs.count == 1)
  #expect(try Executor(model).run([ones])[0].values(Float.self) == [11, 21])
}

@Test func thePastOfAStreamBecomesAnInputAndAnOutput() throws {
  var model = try runningSum(.stream)
  try ResolveState().run(&model)
  try model.validate()
  #expect(model.mainGraph.inputs.map(\.name) == ["x", "sum"] && model.mainGraph.outputs.map(\.name) == ["y", "sum_next"])
  #expect(try Executor(model).run([ones, ones])[1].values(Float.self) == [2, 2])
}
