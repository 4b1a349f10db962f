import ModelGraph
import ModelOps
import ModelTensor
import Testing

@testable import ModelRuntime

/// Loops that never end are stopped before anyone waits for them.
@Suite struct EndlessLoopTests {
  private typealias Make = (inout GraphContext, [ValueID]) throws -> ValueID

  /// A Loop over one float. `next` makes its next value, and `condition` the next condition, from the iteration, the condition and the value.
  private func loop(trips: Int64? = nil, condition: Make, next: Make = { try $0.add($1[2], $1[2]) }) throws -> Model {
    var body = GraphContext(Model(), graph: Graph(name: "body"))
    let turn = body.graph.addInput("i", TensorType(.int64, [])), goesOn = body.graph.addInput("condition", TensorType(.bool, []))
    let value = body.graph.addInput("v", TensorType(.float32, []))
    let result = try next(&body, [turn, goesOn, value])
    body.graph.addOutput("condition", try condition(&body, [turn, goesOn, result]))
    body.graph.addOutput("v", result)
    var model = Model()
    model.graphs[GraphID("body")] = body.graph
    var graph = Graph()
    let x = graph.addInput("x", TensorType(.float32, [])), count = trips.map { graph.addConstant(Tensor(NDArray(scalar: $0))) }
    let node = graph.append(
      LoopOp(carriedCount: 1, scanTypes: []), [count, nil, x], types: [TensorType(.float32, [])], name: "loop", bodies: [GraphID("body")])
    graph.addOutput("y", graph[node].outputs[0])
    model.mainGraph = graph
    return model
  }

  private func run(_ model: Model, _ options: ExecutionOptions = ExecutionOptions()) throws -> [NDArray] {
    try Executor(model, options: options).run([NDArray(scalar: 1 as Float)])
  }

  private func failure(_ model: Model, _ options: ExecutionOptions = ExecutionOptions()) throws -> String {
    let error = #expect(throws: ExecutionError.self) { try run(model, options) }
    #expect(error?.code == .limitExceeded)
    return error?.description ?? ""
  }

  @Test func aConditionThatIsAlwaysTrue() throws {
    let passedOn = try loop(condition: { try $0.apply(IdentityOp(), $1[1]) })
    #expect(
      try failure(passedOn)
        == "graph main / node loop (Loop): the loop never ends: its condition is always true, and it has no trip count")
    #expect(try failure(loop(trips: .max, condition: { $1[1] })).contains("node loop (Loop): the loop takes \(Int64.max) turns"))
    let constant = try loop(condition: { body, _ in body.graph.addConstant(Tensor(NDArray(scalar: true))) })
    #expect(try failure(constant).contains("the loop never ends"))
    #expect(try run(loop(trips: 3, condition: { $1[1] }))[0].values(Float.self) == [8])
  }

  @Test func aTurnThatStartsLikeAnEarlierOne() throws {
    let turned = try loop(condition: { try $0.apply(EqualOp(), $1[2], $1[2]) }, next: { try $0.apply(NegOp(), $1[2]) })
    #expect(try failure(turned).contains("node loop (Loop): the loop never ends: turn "))
  }

  /// It ends although its values come again: the condition looks at the turn.
  @Test func aConditionThatReadsTheTurn() throws {
    let counted = try loop(
      condition: { body, values in try body.apply(LessOp(), values[0], body.graph.addConstant(Tensor(NDArray(scalar: Int64(100))))) },
      next: { try $0.apply(NegOp(), $1[2]) })
    #expect(try run(counted)[0].values(Float.self) == [-1])
  }

  /// It ends when the right number is drawn.
  @Test func aConditionThatDraws() throws {
    let drawn = try loop(
      condition: { body, _ in
        let number = try body.apply(RandomUniformOp(), body.graph.addConstant(Tensor(NDArray([] as [Int64], [0]))))
        return try body.apply(LessOp(), number, body.graph.addConstant(Tensor(NDArray(scalar: 0.95 as Float))))
      }, next: { try $0.apply(IdentityOp(), $1[2]) })
    do { #expect(try run(drawn)[0].values(Float.self) == [1]) } catch let error as ExecutionError {
      Issue.record("\(error)")
    }
  }

  /// What nothing can be told of is stopped when its time is over, however few turns it took.
  @Test func slowTurns() throws {
    let growing = try loop(
      condition: { try $0.apply(EqualOp(), $1[0], $1[0]) },
      next: { try $0.add($1[2], $0.graph.addConstant(Tensor(NDArray(scalar: 1e-3 as Float)))) })
    let options = ExecutionOptions(bodyLimit: .max, loopTime: .milliseconds(2))
    #expect(try failure(growing, options).contains("with no end in sight"))
  }
}
