import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// Multi-head attention (Vaswani et al., 2017): query `[B, T…, in]`, value and key `[B, S…, in]` to
/// `[B, T…, out]`.
///
/// Inputs: query, value, key (the value when left out). Weights: kernel `[in, heads, size]` and bias
/// `[heads, size]` of query, key, gate (if any) and value, then of the output
/// `[heads, valueDim, out…]`. With the option `return_attention_scores` the probabilities
/// `[B, heads, T, S]` are a second result.
public struct MultiHeadAttention: ConfigurableLayer {
  public static let className = "MultiHeadAttention"
  public var heads = 1
  public var keyDim = 1
  /// The key's size when `nil`.
  public var valueDim: Int?
  public var dropout = 0.0
  public var useBias = true
  public var outputShape: [Int]?
  /// The axes attended over: all between batch and features when `nil`.
  public var attentionAxes: [Int]?
  public var slidingWindow: Int?
  public var useGate = false
  public init() {}

  private var valueSize: Int { valueDim ?? keyDim }

  public func weights(for inputs: [TensorType]) throws -> [WeightSpec] {
    let query = try extent(inputs, axis: -1)
    let value = inputs.count > 1 ? try extent(inputs, axis: -1, input: 1) : query
    let key = inputs.count > 2 ? try extent(inputs, axis: -1, input: 2) : value
    var result: [WeightSpec] = []
    func dense(_ name: String, _ path: String, _ kernel: [Int], _ bias: [Int]) throws {
      result.append(WeightSpec("\(name)/kernel", try checked(kernel), path: "\(path)/vars/0"))
      if useBias { result.append(WeightSpec("\(name)/bias", try checked(bias), path: "\(path)/vars/1")) }
    }
    try dense("query", "query_dense", [query, heads, keyDim], [heads, keyDim])
    try dense("key", "key_dense", [key, heads, keyDim], [heads, keyDim])
    if useGate { try dense("gate", "_gate_dense", [query, heads, valueSize], [heads, valueSize]) }
    try dense("value", "value_dense", [value, heads, valueSize], [heads, valueSize])
    let output = outputShape ?? [query]
    try dense("attention_output", "output_dense", [heads, valueSize] + output, output)
    return result
  }

  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    let query = try call.named["query"] ?? call.input()
    let value = call.named["value"] ?? (call.inputs.count > 1 ? call.inputs[1] : query)
    let key = call.named["key"] ?? (call.inputs.count > 2 ? call.inputs[2] : value)
    let rank = try context.rank(of: query)
    guard rank >= 3, rank <= 8, try context.rank(of: value) == rank, try context.rank(of: key) == rank else {
      throw GraphError(.shapeMismatch, "MultiHeadAttention of a query of rank \(rank) and a value of another")
    }
    var next = 0
    func project(_ x: C.Value, outputs: Int, bound: Int) throws -> C.Value {
      let y = try context.project(x, try call.weight(next), bound: bound, outputs: outputs)
      next += 1
      guard useBias else { return y }
      next += 1
      return try context.add(y, try call.weight(next - 1))
    }
    var q = try project(query, outputs: 2, bound: 1)
    let k = try project(key, outputs: 2, bound: 1)
    let gate = useGate ? try context.apply(SigmoidOp(), try project(query, outputs: 2, bound: 1)) : nil
    let v = try project(value, outputs: 2, bound: 1)

    let axes = try (attentionAxes ?? Array(1..<(rank - 1))).map { try normalizeAxis($0, rank: rank) }
    let mask = try context.attentionMask(
      call, query: query, value: value, causal: call.options["use_causal_mask"]?.boolValue == true, window: slidingWindow)
    let equations = Self.equations(rank: rank + 1, axes: axes)
    q = try context.mul(q, try context.scalar(1 / Double(keyDim).squareRoot(), like: q))
    let scores = try context.apply(EinsumOp(equation: equations.scores), k, q)
    let scoresRank = try context.rank(of: scores)
    var wide = mask
    if let mask {
      // Axes for the heads stand before those of the queries and keys.
      let place = (try context.rank(of: mask)) - axes.count * 2
      wide = try context.expanded(mask, toRank: scoresRank, at: max(0, place))
    }
    let softmax = Softmax(axes: Array((scoresRank - axes.count)..<scoresRank))
    // Keras takes a fused kernel where it can, which leaves lines of nothing but masked places uniform.
    let isFused = dropout == 0 && rank == 3 && call.options["return_attention_scores"]?.boolValue != true
    let weights = try softmax.apply(scores, mask: wide, zeroing: !isFused, in: &context)
    var y = try context.apply(EinsumOp(equation: equations.combine), weights, v)
    if let gate { y = try context.mul(y, gate) }
    y = try project(y, outputs: outputShape?.count ?? 1, bound: 2)
    return call.options["return_attention_scores"]?.boolValue == true ? [y, weights] : [y]
  }

  /// `key, query -> scores` and `scores, value -> result` for projected tensors of `rank`, attending
  /// over `axes`.
  static func equations(rank: Int, axes: [Int]) -> (scores: String, combine: String) {
    let letters = Array("abcdefghijklmnopqrstuvwxyz")
    let target = Array(letters[0..<rank])
    var source = target, next = rank
    for axis in 0..<rank where axes.contains(axis) {
      source[axis] = letters[next]
      next += 1
    }
    let batch = (0..<(rank - 1)).filter { !axes.contains($0) }
    let product = String(batch.map { target[$0] } + axes.map { target[$0] } + axes.map { source[$0] })
    return ("\(String(source)),\(String(target))->\(product)", "\(product),\(String(source))->\(String(target))")
  }

  public func mask<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value?] {
    let own = call.named["query_mask"] ?? call.mask()
    return call.options["return_attention_scores"]?.boolValue == true ? [own, nil] : [own]
  }
}

extension OpContext {
  /// `x` times a kernel over its last `bound` axes; the kernel's last `outputs` axes are new. One matrix
  /// product between reshapes, which is what einsum amounts to here.
  mutating func project(_ x: Value, _ kernel: Value, bound: Int, outputs: Int) throws -> Value {
    let shape = try extents(of: kernel), rank = try rank(of: x)
    guard shape.count == bound + outputs, rank > bound, let inner = checkedProduct(Array(shape.prefix(bound))),
      let outer = checkedProduct(Array(shape.suffix(outputs)))
    else { throw GraphError(.shapeMismatch, "a projection with a kernel of shape \(shape)") }
    let lead = try slice(try self.shape(of: x), axis: 0, start: 0, end: rank - bound)
    var flat = x
    if bound > 1 { flat = try reshape(x, to: try concat([lead, try ints([inner])], axis: 0)) }
    let y = try matmul(flat, try reshape(kernel, [inner, outer]))
    return outputs == 1 ? y : try reshape(y, to: try concat([lead, try ints(Array(shape.suffix(outputs)))], axis: 0))
  }
}
