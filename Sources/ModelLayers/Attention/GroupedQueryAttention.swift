import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// Attention whose query heads share key and value heads in groups (Ainslie et al., 2023): query
/// `[B, T, in]`, value and key `[B, S, in]` to `[B, T, in]`.
///
/// Weights as `MultiHeadAttention`'s, with `queryHeads` heads for query, gate and output and
/// `keyValueHeads` for key and value.
public struct GroupedQueryAttention: ConfigurableLayer {
  public static let className = "GroupedQueryAttention"
  public var headDim = 1
  public var queryHeads = 1
  public var keyValueHeads = 1
  public var dropout = 0.0
  public var useBias = true
  public var slidingWindow: Int?
  public var useGate = false
  public init() {}

  public func weights(for inputs: [TensorType]) throws -> [WeightSpec] {
    let query = try extent(inputs, axis: -1)
    let value = inputs.count > 1 ? try extent(inputs, axis: -1, input: 1) : query
    let key = inputs.count > 2 ? try extent(inputs, axis: -1, input: 2) : value
    var result: [WeightSpec] = []
    func dense(_ name: String, _ path: String, _ kernel: [Int], _ bias: [Int]) throws {
      result.append(WeightSpec("\(name)/kernel", try checked(kernel), path: "\(path)/vars/0"))
      if useBias { result.append(WeightSpec("\(name)/bias", try checked(bias), path: "\(path)/vars/1")) }
    }
    try dense("query", "_query_dense", [query, queryHeads, headDim], [queryHeads, headDim])
    try dense("key", "_key_dense", [key, keyValueHeads, headDim], [keyValueHeads, headDim])
    if useGate { try dense("gate", "_gate_dense", [query, queryHeads, headDim], [queryHeads, headDim]) }
    try dense("value", "_value_dense", [value, keyValueHeads, headDim], [keyValueHeads, headDim])
    try dense("attention_output", "_output_dense", [queryHeads, headDim, query], [query])
    return result
  }

  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    let query = try call.named["query"] ?? call.input()
    let value = call.named["value"] ?? (call.inputs.count > 1 ? call.inputs[1] : query)
    let key = call.named["key"] ?? (call.inputs.count > 2 ? call.inputs[2] : value)
    guard keyValueHeads > 0, queryHeads % keyValueHeads == 0 else {
      throw GraphError(.invalidAttribute, "GroupedQueryAttention: \(queryHeads) heads in \(keyValueHeads) groups")
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
    let k = try context.repeated(try project(key, outputs: 2, bound: 1), axis: 2, count: queryHeads / keyValueHeads)
    let gate = useGate ? try context.apply(SigmoidOp(), try project(query, outputs: 2, bound: 1)) : nil
    let v = try context.repeated(try project(value, outputs: 2, bound: 1), axis: 2, count: queryHeads / keyValueHeads)
    let mask = try context.attentionMask(
      call, query: query, value: value, causal: call.options["use_causal_mask"]?.boolValue == true, window: slidingWindow)
    q = try context.mul(q, try context.scalar(1 / Double(headDim).squareRoot(), like: q))
    let scores = try context.apply(EinsumOp(equation: "bquh,bkuh->buqk"), q, k)
    var wide = mask
    if let mask { wide = try context.expanded(mask, toRank: 4, at: max(0, (try context.rank(of: mask)) - 2)) }
    let isFused = dropout == 0 && call.options["return_attention_scores"]?.boolValue != true
    let weights = try Softmax().apply(scores, mask: wide, zeroing: !isFused, in: &context)
    var y = try context.apply(EinsumOp(equation: "buqk,bkuh->bquh"), weights, v)
    if let gate { y = try context.mul(y, gate) }
    y = try project(y, outputs: 1, bound: 2)
    return call.options["return_attention_scores"]?.boolValue == true ? [y, weights] : [y]
  }
  public func mask<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value?] {
    call.options["return_attention_scores"]?.boolValue == true ? [call.mask(), nil] : [call.mask()]
  }
}
