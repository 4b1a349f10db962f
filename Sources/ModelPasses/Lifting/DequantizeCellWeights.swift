import ModelGraph
import ModelOps
import ModelTensor

/// Weights and initial states of recurrent operators that are dequantised constants become the numbers they stand for, as layers keep
/// them.
///
///     w int8 ── DequantizeLinear ── Concat ── LSTM      becomes      w float32 ── LSTM
struct DequantizeCellWeights: Pass {
  let name = "dequantize-cell-weights"
  private static let depthLimit = 16

  func run(_ model: inout Model) throws {
    try model.replaceNodes(stamp: name) { node, context in
      let places: Set<Int>
      switch node.op {
      case is LSTMOp, is GRUOp, is RNNOp: places = [1, 2, 3, 5, 6, 7]
      case is SequenceLSTMOp: places = Set(1...19)
      default: return nil
      }
      var inputs = node.inputs, isChanged = false
      var known: [ValueID: NDArray] = [:]
      for place in places.sorted() where place < inputs.count {
        var seen: Set<ValueID> = []
        guard let value = inputs[place], Self.isDequantized(value, in: context, seen: &seen),
          let array = try Self.evaluated(value, in: context, depth: 0, known: &known)
        else { continue }
        inputs[place] = try context.constant(array)
        isChanged = true
      }
      return isChanged ? try context.apply(node.op, to: inputs) : nil
    }
  }

  /// Whether something it is made of is dequantised.
  private static func isDequantized(_ value: ValueID, in context: GraphContext, seen: inout Set<ValueID>) -> Bool {
    guard seen.count < 256, seen.insert(value).inserted, let producer = context.graph.producer(of: value) else { return false }
    let node = context.graph[producer]
    if node.op is DequantizeLinearOp { return true }
    return node.inputs.contains { $0.map { isDequantized($0, in: context, seen: &seen) } ?? false }
  }

  /// - Returns: `nil` when it is not made of constants alone.
  private static func evaluated(
    _ value: ValueID, in context: GraphContext, depth: Int, known: inout [ValueID: NDArray]
  ) throws -> NDArray? {
    if let array = known[value] { return array }
    if let tensor = context.model.tensor(value, in: context.graph) { return try tensor.array() }
    guard depth < depthLimit, case .result(let producer, let index) = context.graph[value].definition,
      let op = context.graph[producer].op as? any PrimitiveOp
    else { return nil }
    var inputs: [NDArray?] = []
    for input in context.graph[producer].inputs {
      guard let input else {
        inputs.append(nil)
        continue
      }
      guard let array = try evaluated(input, in: context, depth: depth + 1, known: &known) else { return nil }
      inputs.append(array)
    }
    let results = try op.evaluate(inputs, in: ExecutionContext(primitives: ReferencePrimitives()))
    guard index < results.count else { return nil }
    known[value] = results[index]
    return results[index]
  }
}
