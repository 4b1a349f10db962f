import ModelGraph
import ModelOps
import ModelTensor
import Testing

@testable import ModelKit

/// A running sum with an open batch, and an entry point that shows it.
private func counter() throws -> Model {
  var context = GraphContext(Model(), graph: Graph())
  let x = context.graph.addInput("x", TensorType(.float32, .ranked([.unknown, 2])))
  let (place, sum) = context.graph.addState("sum", initial: Tensor(NDArray([10, 20] as [Float], [1, 2])), role: .stream)
  let total = try context.append(ReduceOp(.sum, axes: [0], keepDims: true), [x], name: "total")[0]
  let y = try context.append(AddOp(), [total, sum], name: "y")[0]
  context.graph.addOutput("y", y)
  context.graph.bindState(place, to: y)
  var model = context.model
  model.mainGraph = context.graph
  var look = GraphContext(model, graph: Graph(name: "look"))
  let (other, kept) = look.graph.addState("sum", initial: Tensor(NDArray([10, 20] as [Float], [1, 2])), role: .stream)
  look.graph.addOutput("sum", try look.append(IdentityOp(), [kept], name: "shown")[0])
  look.graph.bindState(other, to: kept)
  model.graphs[GraphID("look")] = look.graph
  model.signatures = [Signature("count", graph: .main), Signature("look", graph: GraphID("look"))]
  return model
}

@Test func interpreterKeepsVariablesAcrossSignatures() throws {
  let interpreter = try Interpreter(try counter())
  #expect(interpreter.inputDetails[0].shape == [1, 2] && interpreter.inputDetails[0].shapeSignature == [-1, 2])
  try interpreter.allocateTensors()
  try interpreter.setInput(0, NDArray([1, 2] as [Float], [1, 2]))
  try interpreter.invoke()
  try interpreter.invoke()
  #expect(try interpreter.output(0).values(Float.self) == [12, 24])
  let look = try interpreter.signatureRunner("look")
  try look.allocateTensors()
  try look.invoke()
  #expect(try look.output("sum").values(Float.self) == [12, 24])
  interpreter.resetVariables()
  try look.invoke()
  #expect(try look.output(0).values(Float.self) == [10, 20])
}

/// As LiteRT does unless it is told to be strict.
@Test func interpreterResizesToAnotherRank() throws {
  var model = Model(), context = GraphContext(Model(), graph: Graph())
  let x = context.graph.addInput("x", TensorType(.float32, .ranked([.fixed(1), .fixed(2)])))
  let y = try context.apply(MatMulOp(), try context.apply(ReluOp(), x), try context.constant(NDArray([1, 2, 3, 4] as [Float], [2, 2])))
  context.graph.addOutput("y", y)
  model = context.model
  model.mainGraph = context.graph
  let interpreter = try Interpreter(model)
  try interpreter.resizeInput(0, to: [2, 1, 2])
  try interpreter.allocateTensors()
  #expect(interpreter.inputDetails[0].shape == [2, 1, 2] && interpreter.outputDetails[0].shape == [2, 1, 2])
  try interpreter.setInput(0, NDArray([1, -1, 1, 1] as [Float], [2, 1, 2]))
  try interpreter.invoke()
  #expect(try interpreter.output(0).values(Float.self) == [1, 2, 4, 6])
  // What the operators do not take is found out when room is made for it.
  try interpreter.resizeInput(0, to: [2, 3])
  #expect(throws: (any Error).self) { try interpreter.allocateTensors() }
}

/// Sizes come and go: each is worked out from the model, and strictly only what it leaves open may change.
@Test func interpreterGoesBackToAnEarlierSize() throws {
  var context = GraphContext(Model(), graph: Graph())
  let x = context.graph.addInput("x", TensorType(.float32, .ranked([.unknown, .fixed(2)])))
  let y = try context.apply(ReluOp(), try context.reshape(x, [-1]))
  context.graph.addOutput("y", y)
  var model = context.model
  model.mainGraph = context.graph
  let interpreter = try Interpreter(model)
  #expect(throws: ExecutionError.self) { try interpreter.resizeInput(0, to: [2, 3], strict: true) }
  #expect(throws: ExecutionError.self) { try interpreter.resizeInput(0, to: [2], strict: true) }
  for rows in [3, 1, 3, 2] {
    try interpreter.resizeInput(0, to: [rows, 2], strict: true)
    try interpreter.allocateTensors()
    #expect(interpreter.inputDetails[0].shapeSignature == [-1, 2] && interpreter.outputDetails[0].shape == [2 * rows])
    try interpreter.setInput(0, NDArray([Float](repeating: 1, count: 2 * rows), [rows, 2]))
    try interpreter.invoke()
    #expect(try interpreter.output(0).shape == [2 * rows])
  }
  // Another rank in between leaves nothing behind.
  var fixed = GraphContext(Model(), graph: Graph())
  let image = fixed.graph.addInput("x", TensorType(.float32, [1, 2]))
  let factor = try fixed.constant(NDArray([1, 2, 3, 4] as [Float], [2, 2]))
  let product = try fixed.apply(MatMulOp(), try fixed.apply(ReluOp(), image), factor)
  fixed.graph.addOutput("y", product)
  model = fixed.model
  model.mainGraph = fixed.graph
  let other = try Interpreter(model)
  for shape in [[2, 1, 2], [1, 2]] {
    try other.resizeInput(0, to: shape)
    try other.allocateTensors()
    #expect(other.outputDetails[0].shape == shape)
    try other.setInput(0, NDArray([Float](repeating: 1, count: shape.reduce(1, *)), shape))
    try other.invoke()
    #expect(try other.output(0).shape == shape)
  }
}

@Test func interpreterResizesInputs() throws {
  let interpreter = try Interpreter(try counter())
  try interpreter.resizeInput(0, to: [3, 2])
  #expect(throws: ExecutionError.self) { try interpreter.invoke() }
  try interpreter.allocateTensors()
  #expect(throws: ExecutionError.self) { try interpreter.setInput(0, NDArray([1, 2] as [Float], [1, 2])) }
  #expect(throws: ExecutionError.self) { try interpreter.resizeInput(0, to: [-3, 2]) }
  #expect(throws: ExecutionError.self) { try interpreter.invoke() }
  try interpreter.setInput(0, NDArray([1, 2, 3, 4, 5, 6] as [Float], [3, 2]))
  try interpreter.invoke()
  #expect(try interpreter.output(0).values(Float.self) == [19, 32])
}
