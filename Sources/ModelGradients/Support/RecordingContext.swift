import ModelGraph
import ModelTensor

/// Records the ops that are applied in another context, so that gradients can be taken through them there.
struct RecordingContext<Base: OpContext>: OpContext {
  struct Value {
    var id: Int
    var base: Base.Value
  }
  var base: Base
  private var calls: [RecordedCall<Base.Value>] = []
  private var count = 0
  private init(base: Base) { self.base = base }

  private mutating func tracked(_ value: Base.Value) -> Value {
    count += 1
    return Value(id: count, base: value)
  }
  mutating func apply(_ op: any Op, to inputs: [Value?]) throws -> [Value] {
    if !(op is any DifferentiableOp) {
      if let op = op as? any DecomposedForGradients { return try op.decomposeForGradients(inputs, in: &self) }
      if let op = op as? any CompositeOp { return try op.decompose(inputs, in: &self) }
    }
    let results = try base.apply(op, to: inputs.map { $0?.base }).map { tracked($0) }
    calls.append(
      RecordedCall(
        op: op, inputs: inputs.map { $0?.base }, inputIDs: inputs.map { $0?.id }, outputs: results.map(\.base),
        outputIDs: results.map(\.id)))
    return results
  }
  mutating func constant(_ array: NDArray) throws -> Value { tracked(try base.constant(array)) }
  func fact(of value: Value) -> Fact { base.fact(of: value.base) }

  /// The gradients of `inputs` through what `body` makes of them, from those of its results.
  static func gradients(
    of inputs: [Base.Value?], from seeds: [Base.Value?], in base: inout Base,
    through body: (inout RecordingContext, [Value?]) throws -> [Value]
  ) throws -> [Base.Value?] {
    var context = RecordingContext(base: base)
    let given = inputs.map { $0.map { context.tracked($0) } }
    let results = try body(&context, given)
    base = context.base
    var starts: [Int: Base.Value] = [:]
    for (result, seed) in zip(results, seeds) { if let seed { starts[result.id] = seed } }
    let found = try ReverseWalk.run(context.calls, seeds: starts, sources: Set(given.compactMap { $0?.id }), in: &base)
    return given.map { $0.flatMap { found[$0.id] } }
  }
}
