import ModelGraph
import ModelOps
import ModelTensor

extension LSTMOp: DecomposedForGradients {
  public func decomposeForGradients<C: OpContext>(_ inputs: [C.Value?], in c: inout C) throws -> [C.Value] {
    // The usual one at once, others step by step.
    if LSTMTrainingOp.takes(self, inputs.map { $0.map(c.fact) }) {
      return Array(try c.apply(LSTMTrainingOp(self), to: inputs).prefix(3))
    }
    return try UnrolledContext.run(&c) { try stepwise(inputs, in: &$0) }
  }
}
extension GRUOp: DecomposedForGradients {
  public func decomposeForGradients<C: OpContext>(_ inputs: [C.Value?], in c: inout C) throws -> [C.Value] {
    if GRUTrainingOp.takes(self, inputs.map { $0.map(c.fact) }) {
      return Array(try c.apply(GRUTrainingOp(self), to: inputs).prefix(2))
    }
    return try UnrolledContext.run(&c) { try stepwise(inputs, in: &$0) }
  }
}
extension RNNOp: DecomposedForGradients {
  public func decomposeForGradients<C: OpContext>(_ inputs: [C.Value?], in c: inout C) throws -> [C.Value] {
    try UnrolledContext.run(&c) { try stepwise(inputs, in: &$0) }
  }
}

/// Writes loops out step by step in another context.
struct UnrolledContext<Base: OpContext>: ScanContext {
  typealias Value = Base.Value
  var base: Base

  static func run(_ base: inout Base, _ body: (inout UnrolledContext) throws -> [Value]) throws -> [Value] {
    var context = UnrolledContext(base: base)
    defer { base = context.base }
    return try body(&context)
  }

  mutating func apply(_ op: any Op, to inputs: [Value?]) throws -> [Value] { try base.apply(op, to: inputs) }
  mutating func constant(_ array: NDArray) throws -> Value { try base.constant(array) }
  func fact(of value: Value) -> Fact { base.fact(of: value) }

  mutating func scan(
    _ initial: [Value], over tensors: [Value], axis: Int, backward: Bool,
    step: (inout UnrolledContext, _ states: [Value], _ slices: [Value]) throws -> (states: [Value], results: [Value])
  ) throws -> (states: [Value], results: [Value]) {
    guard let first = tensors.first else { throw GraphError(.invalidStructure, "a loop over nothing") }
    let steps = try extents(of: first)[try normalizeAxis(axis, rank: try rank(of: first))]
    guard steps > 0, steps <= 1 << 16 else { throw GraphError(.invalidStructure, "a loop of \(steps) steps has no gradient") }
    // Cut at once, so that the way back joins the parts at once.
    let slices = try tensors.map { tensor in
      try (steps == 1 ? [tensor] : base.apply(SplitOp(axis: axis, count: steps), to: [tensor])).map { try squeeze($0, [axis]) }
    }
    var states = initial, results = [[Value]](repeating: [], count: steps)
    for t in backward ? Array((0..<steps).reversed()) : Array(0..<steps) {
      let next = try step(&self, states, slices.map { $0[t] })
      states = next.states
      results[t] = next.results
    }
    let stacks = try results[0].indices.map { index in
      try concat(try results.map { try unsqueeze($0[index], [axis]) }, axis: axis)
    }
    return (states, stacks)
  }
}
