import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor
import Testing

@testable import ModelRuntime

/// `y = relu(x · w)` with a symbolic batch.
private func dense() throws -> Model {
  var model = Model()
  let w = model.add(Parameter(name: "w", tensor: Tensor(NDArray([1, -1, 2, -2, 3, -3] as [Float], [3, 2]))))
  var context = GraphContext(model, graph: Graph())
  let x = context.graph.addInput("x", TensorType(.float32, .ranked([.named("batch"), 3])))
  let weights = context.graph.addParameter(w, of: model)
  let product = try context.append(MatMulOp(), [x, weights], name: "product")[0]
  let y = try context.append(ReluOp(), [product], name: "relu")[0]
  context.graph.addOutput("y", y)
  model.mainGraph = context.graph
  return model
}

@Test func runsNodesInOrder() throws {
  let executor = try Executor(try dense())
  let y = try executor.run([NDArray([1, 1, 1, 0, 1, 0] as [Float], [2, 3])])
  #expect(y[0].shape == [2, 2])
  #expect(y[0].values(Float.self) == [6, 0, 2, 0])
}

@Test func probesSeeEveryValue() throws {
  var seen: [String] = []
  _ = try Executor(try dense()).run([NDArray([1, 1, 1] as [Float], [1, 3])]) { seen.append("\($0.path): \($0.name)") }
  #expect(
    seen == [
      "graph main: x", "graph main / node product (MatMul): product", "graph main / node relu (Relu): relu",
    ])
}

@Test func inputsAreHeldAgainstThePorts() throws {
  let executor = try Executor(try dense())
  #expect(throws: ExecutionError.self) { try executor.run([NDArray]()) }
  #expect(throws: ExecutionError.self) { try executor.run([NDArray([1] as [Double], [1, 1])]) }
  #expect(throws: ExecutionError.self) { try executor.run([NDArray([1, 2] as [Float], [1, 2])]) }
  #expect(throws: ExecutionError.self) { try executor.run(["z": NDArray([1, 2, 3] as [Float], [1, 3])]) }
}

@Test func symbolicDimensionsAgree() throws {
  var context = GraphContext(Model(), graph: Graph())
  let type = TensorType(.float32, .ranked([.named("n")]))
  let a = context.graph.addInput("a", type), b = context.graph.addInput("b", type)
  context.graph.addOutput("sum", try context.add(a, b))
  var model = Model()
  model.mainGraph = context.graph
  let executor = try Executor(model)
  #expect(try executor.run([NDArray([1] as [Float], [1]), NDArray([2] as [Float], [1])])[0].values(Float.self) == [3])
  let error = #expect(throws: ExecutionError.self) {
    try executor.run([NDArray([1] as [Float], [1]), NDArray([2, 3] as [Float], [2])])
  }
  #expect(error?.description == "input 'b' takes float32[n], found float32[2]: 'n' is 1 in input 'a'")
}

@Test func opsWithoutKernelAreListedBeforeAnythingRuns() throws {
  var graph = Graph()
  let x = graph.addInput("x", TensorType(.float32, [1]))
  func foreign(_ type: String) -> OpaqueOp {
    OpaqueOp(format: "onnx", domain: "com.acme", type: type, resultTypes: [TensorType(.float32, [1])])
  }
  let types = [TensorType(.float32, [1])]
  let a = graph.append(foreign("Spin"), [x], types: types, name: "a")
  let b = graph.append(foreign("Spin"), [graph[a].outputs[0]], types: types, name: "b")
  _ = graph.append(foreign("Unused"), [x], types: types, name: "c")
  graph.addOutput("y", graph[b].outputs[0])
  var model = Model()
  model.mainGraph = graph
  let error = #expect(throws: UnsupportedError.self) { try Executor(model) }
  #expect(error?.items == [.init("com.acme::Spin", count: 2)])
}

@Test func errorsNameTheNode() throws {
  var graph = Graph()
  let x = graph.addInput("x", TensorType(.float32, .unranked))
  let node = graph.append(TransposeOp(permutation: [1, 0]), [x], types: [TensorType(.float32, .unranked)], name: "turn")
  graph.addOutput("y", graph[node].outputs[0])
  var model = Model()
  model.mainGraph = graph
  let error = #expect(throws: ExecutionError.self) { try Executor(model).run([NDArray([1] as [Float], [1])]) }
  #expect(error?.path == ["graph main / node turn (Transpose)"])
}

/// A branch that leads into the graph it stands in is stopped.
@Test func recursionHasALimit() throws {
  var graph = Graph()
  let type = TensorType(.bool, [])
  let x = graph.addInput("x", type)
  let node = graph.append(IfOp(), [x, x], types: [type], name: "again", bodies: [.main, .main])
  graph.addOutput("y", graph[node].outputs[0])
  var model = Model()
  model.mainGraph = graph
  let error = #expect(throws: ExecutionError.self) { try Executor(model).run([NDArray(scalar: true)]) }
  #expect(error?.code == .limitExceeded)
}

@Test func loopsRunTheirBodies() throws {
  var body = GraphContext(Model(), graph: Graph(name: "body"))
  _ = body.graph.addInput("i", TensorType(.int64, []))
  let goesOn = body.graph.addInput("condition", TensorType(.bool, []))
  let carried = body.graph.addInput("v", TensorType(.float32, [1]))
  let doubled = try body.add(carried, carried)
  body.graph.addOutput("condition", goesOn)
  body.graph.addOutput("v", doubled)
  var model = Model()
  model.graphs[GraphID("body")] = body.graph
  var graph = Graph()
  let x = graph.addInput("x", TensorType(.float32, [1]))
  let count = graph.addConstant(Tensor(NDArray(scalar: Int64(5))))
  let loop = graph.append(
    LoopOp(carriedCount: 1, scanTypes: []), [count, nil, x], types: [TensorType(.float32, [1])], name: "loop",
    bodies: [GraphID("body")])
  graph.addOutput("y", graph[loop].outputs[0])
  model.mainGraph = graph
  var places: Set<String> = []
  let y = try Executor(model).run([NDArray([1.5] as [Float], [1])]) { places.insert($0.path) }
  #expect(y[0].values(Float.self) == [48])
  #expect(places.contains("graph main / node loop (Loop) / graph body / node Add (Add)"))
}

@Test func memoryHasALimit() throws {
  var context = GraphContext(Model(), graph: Graph())
  let x = context.graph.addInput("x", TensorType(.float32, .ranked([.unknown])))
  context.graph.addOutput("y", try context.apply(ExpOp(), x))
  var model = Model()
  model.mainGraph = context.graph
  let executor = try Executor(model, options: ExecutionOptions(memoryLimit: 10_000))
  let error = #expect(throws: ExecutionError.self) { try executor.run([NDArray(zeros: .float32, [5000])]) }
  #expect(error?.code == .outOfMemory)
}

/// A file of a few bytes that doubles its values again and again stays small; what is large by itself gets more.
@Test func theLimitGoesByWeightsAndInputs() throws {
  var context = GraphContext(Model(), graph: Graph())
  var y = context.graph.addInput("x", TensorType(.float32, .ranked([.unknown])))
  for _ in 0..<40 { y = try context.apply(ConcatOp(axis: 0), y, y) }
  context.graph.addOutput("y", y)
  var model = Model()
  model.mainGraph = context.graph
  let executor = try Executor(model)
  let error = #expect(throws: ExecutionError.self) { try executor.run([NDArray(zeros: .float32, [2])]) }
  #expect(error?.code == .outOfMemory)
  #expect(executor.pool.mostBytes <= 768 << 20)
  #expect(BufferPool.defaultLimit(weights: 100 << 20, inputs: 0) == 6400 << 20)
  // A film's picture in bytes: 64 channels of floats take 256 times as much.
  #expect(BufferPool.defaultLimit(weights: 0, inputs: 1920 * 1080 * 3) >= 1920 * 1080 * 64 * 4 * 3)
}

@Test func secondRunAllocatesNothingBig() throws {
  var context = GraphContext(Model(), graph: Graph())
  let x = context.graph.addInput("x", TensorType(.float32, .ranked([.unknown])))
  var y = x
  for _ in 0..<6 { y = try context.apply(ExpOp(), y) }
  context.graph.addOutput("y", y)
  var model = Model()
  model.mainGraph = context.graph
  let executor = try Executor(model)
  _ = try executor.run([NDArray(zeros: .float32, [5000])])
  let kept = executor.pool.freeBytes
  _ = try executor.run([NDArray(zeros: .float32, [5000])])
  #expect(executor.pool.freeBytes == kept && executor.pool.liveBytes == 0)
  // Two buffers serve the whole chain, and one the output.
  #expect(kept <= 3 * BufferPool.size(20_000))
}

/// Pieces that are free side by side serve a larger result, and the first gap that is large enough is taken.
@Test func gapsOfTheHeapMeet() throws {
  var heap = MemoryHeap()
  let pieces = (0..<4).compactMap { heap.take(4096 * ($0 + 1)) }
  try #require(pieces.count == 4)
  #expect(heap.top == 40_960 && heap.liveBytes == 40_960)
  heap.giveBack(pieces[1])
  heap.giveBack(pieces[2])
  let wide = heap.take(20_480)
  #expect(wide == MemoryHeap.Piece(offset: 4096, size: 20_480) && heap.top == 40_960)
  // What is free at the end is a part of what is taken there.
  heap.giveBack(pieces[3])
  let last = heap.take(24_576)
  #expect(last == MemoryHeap.Piece(offset: 24_576, size: 24_576) && heap.top == 49_152)
  heap.giveBack(pieces[0])
  let small = heap.take(64)
  #expect(small == MemoryHeap.Piece(offset: 0, size: 64))
  heap.release()
}

/// Memory that two arrays hold is nobody's to hand out; what is let go of comes back, whichever way it went.
@Test func arraysOfThePoolAreNeverOfTwo() throws {
  let pool = BufferPool(limit: 1 << 26)
  var random = SystemRandomNumberGenerator(), held: [(array: NDArray?, value: Float)] = []
  for step in 0..<2000 {
    if held.count > 12 || step % 3 == 2, let index = held.indices.randomElement(using: &random) {
      var (array, value) = held.remove(at: index)
      #expect(array?.values(Float.self).allSatisfy { $0 == value } ?? false)
      if step % 2 == 0 { pool.takeBack(&array) }
      array = nil
    } else {
      let count = Int.random(in: 1...3000, using: &random), value = Float(step)
      let array = try pool.allocate(.float32, [count], lasts: step % 5 == 0, isLent: step % 4 == 0)
      array.withMutable(Float.self) { $0.update(repeating: value) }
      held.append((array, value))
      if step % 4 == 0 { pool.settle() }
    }
  }
  held = []
  #expect(pool.liveBytes == 0)
}
