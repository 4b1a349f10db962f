import ModelGraph
import ModelOps
import ModelTensor
import TestSupport
import Testing

/// Runs a graph node by node: what the passes' results are measured with.
struct Interpreter {
  var model: Model

  func run(_ inputs: [NDArray], graph id: GraphID? = nil) throws -> [NDArray] {
    let graph = try #require(model.graphs[id ?? model.main])
    try #require(inputs.count == graph.inputs.count)
    var values: [ValueID: NDArray] = [:]
    for (port, input) in zip(graph.inputs, inputs) { values[port.value] = input }
    func value(_ id: ValueID) throws -> NDArray {
      if let known = values[id] { return known }
      let tensor = try #require(model.tensor(id, in: graph), "'\(graph[id].name)' is not computed")
      let array = try tensor.array()
      values[id] = array
      return array
    }
    for id in try graph.order() {
      let node = graph[id]
      let arguments = try node.inputs.map { try $0.map(value) }
      let context = ExecutionContext(primitives: ReferencePrimitives())
      let results: [NDArray]
      if let op = node.op as? any BodyOp {
        context.runBody = { index, inputs in try run(inputs, graph: node.bodies[index]) }
        results = try op.evaluate(arguments, bodies: node.bodies.count, in: context)
      } else {
        var eager = EagerContext(context)
        do { results = try eager.apply(node.op, to: arguments) } catch let error as ExecutionError {
          throw error.within("node \(node.name)")
        }
      }
      for (output, result) in zip(node.outputs, results) {
        let type = graph[output].type
        #expect(type.agrees(with: result.type), "node \(node.name): declared \(type), computed \(result.type)")
        values[output] = result
      }
    }
    return try graph.outputs.map { try value($0.value) }
  }
}

/// Holds two lists of arrays against each other.
func expectClose(_ results: [NDArray], _ expected: [NDArray], tolerance: Double = 1e-5, _ what: String = "") throws {
  try #require(results.count == expected.count)
  for (result, expected) in zip(results, expected) {
    #expect(result.dtype == expected.dtype, "\(what)")
    try #require(result.shape == expected.shape, "\(what)")
    if result.dtype == .string {
      #expect(result.strings == expected.strings)
      continue
    }
    // The rounding of a sum grows with its terms: one part in 10⁶ of the largest magnitude is three units of its last place.
    let largest = expected.doubles().map { abs($0) }.filter(\.isFinite).max() ?? 0
    let worst = worstExcess(result, expected, absolute: max(tolerance, 1e-6 * largest))
    #expect(worst <= 0, "\(what): off by \(worst)")
  }
}

/// Seeded numbers in −1..<1.
struct Noise {
  var state: UInt64
  init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 1 }
  mutating func next() -> UInt64 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return state
  }
  mutating func int(_ range: ClosedRange<Int>) -> Int { range.lowerBound + Int(next() % UInt64(range.count)) }
  mutating func pick<T>(_ items: [T]) -> T { items[int(0...(items.count - 1))] }
  mutating func array(_ shape: [Int]) -> NDArray {
    let count = shape.reduce(1, *)
    return NDArray((0..<count).map { _ in Float(Int(next() % 2000)) / 1000 - 1 }, shape)
  }
}
