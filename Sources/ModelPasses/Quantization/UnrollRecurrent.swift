import ModelGraph
import ModelOps
import ModelTensor

/// Writes recurrent ops out step by step, so that each step is made of operators that LiteRT computes with integers: it has no GRU,
/// no LSTM with 16-bit activations, and bodies of loops stay float.
///
/// What has more steps than `limit`, or a number of them that is not known, stays as it is.
public struct UnrollRecurrent: Pass {
  public let name = "unroll-recurrent"
  /// Whether LSTMs are written out, too.
  public var includesLSTM: Bool
  public static let limit = 256
  public init(includesLSTM: Bool) { self.includesLSTM = includesLSTM }

  public func run(_ model: inout Model) throws {
    let main = model.main
    try inferAgain(&model)
    try model.replaceNodes(stamp: name) { node, context in
      guard context.model.main == main, let first = node.inputs.first, let x = first else { return nil }
      func steps(_ batchFirst: Bool) -> Int? {
        guard let dims = context.type(of: x).shape.dims, dims.count == 3, let count = dims[batchFirst ? 1 : 0].value else { return nil }
        return (1...Self.limit).contains(count) ? count : nil
      }
      switch node.op {
      case let op as GRUOp where steps(op.batchFirst) != nil:
        return try UnrollingContext.run(&context) { try op.stepwise(node.inputs, in: &$0) }
      case let op as RNNOp where steps(op.batchFirst) != nil:
        return try UnrollingContext.run(&context) { try op.stepwise(node.inputs, in: &$0) }
      case let op as LSTMOp where includesLSTM && steps(op.batchFirst) != nil:
        return try UnrollingContext.run(&context) { try op.stepwise(node.inputs, in: &$0) }
      default: return nil
      }
    }
  }
}

extension UnrollRecurrent {
  /// Takes the number of steps along: cells that were recognised in loops tell it now of what comes behind them.
  private func inferAgain(_ model: inout Model) throws {
    guard var graph = model.graphs[model.main] else { return }
    for id in try graph.order() {
      let node = graph[id]
      guard !(node.op is any BodyOp), !(node.op is OpaqueOp),
        node.outputs.contains(where: { graph[$0].type.shape.dims?.contains { $0.value == nil } ?? true }),
        let types = try? node.op.infer(node.inputs.map { $0.map { model.fact($0, in: graph) } })
      else { continue }
      for (type, output) in zip(types, node.outputs) { graph[output].type = type.refined(by: graph[output].type) }
    }
    model.graphs[model.main] = graph
  }
}

/// A graph in which loops are written out. What is made of constants in each step alike is made once.
private struct UnrollingContext: ScanContext {
  typealias Value = ValueID
  var base: GraphContext
  /// Results of what takes nothing but constants, or what was made of them, by op and inputs.
  private var known: [String: [ValueID]] = [:]
  private var isConstant: Set<ValueID> = []

  private init(_ base: GraphContext) { self.base = base }

  static func run(_ base: inout GraphContext, _ body: (inout UnrollingContext) throws -> [ValueID]) throws -> [ValueID] {
    var context = UnrollingContext(base)
    defer { base = context.base }
    return try body(&context)
  }

  mutating func apply(_ op: any Op, to inputs: [ValueID?]) throws -> [ValueID] {
    let isFixed = inputs.allSatisfy { input in
      input.map { isConstant.contains($0) || base.model.tensor($0, in: base.graph) != nil } ?? true
    }
    guard isFixed, op is SliceOp || op is SqueezeOp || op is TransposeOp, !op.attributes.isEmpty || inputs.count > 1 else {
      return try base.apply(op, to: inputs)
    }
    // Bounds are constants of their own each time: they count by what they hold.
    let operands = inputs.map { input -> String in
      guard let input else { return "-" }
      guard let tensor = base.model.tensor(input, in: base.graph), tensor.dtype == .int64, tensor.elementCount <= 16,
        let numbers = try? tensor.array().integers()
      else { return "\(input)" }
      return "\(numbers)"
    }
    let key = "\(op.displayName) \(op.attributes) \(operands)"
    if let results = known[key] { return results }
    let results = try base.apply(op, to: inputs)
    known[key] = results
    isConstant.formUnion(results)
    return results
  }
  mutating func constant(_ array: NDArray) throws -> ValueID { try base.constant(array) }
  func fact(of value: ValueID) -> Fact { base.fact(of: value) }

  mutating func scan(
    _ initial: [ValueID], over tensors: [ValueID], axis: Int, backward: Bool,
    step: (inout UnrollingContext, _ states: [ValueID], _ slices: [ValueID]) throws -> (states: [ValueID], results: [ValueID])
  ) throws -> (states: [ValueID], results: [ValueID]) {
    guard let first = tensors.first, let count = type(of: first).shape.dims?[axis].value, (1...UnrollRecurrent.limit).contains(count) else {
      throw GraphError(.invalidStructure, "a loop of an unknown number of steps")
    }
    let slices = try tensors.map { tensor in
      try (count == 1 ? [tensor] : base.apply(SplitOp(axis: axis, count: count), to: [tensor])).map { try squeeze($0, [axis]) }
    }
    var states = initial, results = [[ValueID]](repeating: [], count: count)
    for t in backward ? Array((0..<count).reversed()) : Array(0..<count) {
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
