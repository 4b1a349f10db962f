import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// What `Attention` and `AdditiveAttention` share: scores to probabilities to a weighted value.
protocol ScoredAttention: ConfigurableLayer {
  func scores<C: OpContext>(
    query: C.Value, key: C.Value, weights: [C.Value], in context: inout C
  ) throws -> C.Value
}

extension ScoredAttention {
  /// Inputs: query `[B, T, dim]`, value `[B, S, dim]`, key (the value when left out).
  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    let query = try call.input(0), value = try call.input(1)
    let key = call.inputs.count > 2 ? call.inputs[2] : value
    var scores = try scores(query: query, key: key, weights: call.weights, in: &context)
    var mask = try (call.named["mask/1"] ?? call.mask(1)).map { try context.unsqueeze($0, [1]) }
    if call.options["use_causal_mask"]?.boolValue == true {
      let rank = try context.rank(of: scores)
      let causal = try context.causalMask(
        rows: try context.dim(of: scores, rank - 2), columns: try context.dim(of: scores, rank - 1))
      mask = try context.both(mask, causal)
    }
    if let mask {
      let far = try context.scalar(context.dtype(of: scores) == .float16 ? 65504 : 1e9, like: scores)
      scores = try context.select(mask, scores, try context.sub(scores, far))
    }
    let weights = try context.softmax(scores)
    var y = try context.matmul(weights, value)
    if let mask = call.named["mask/0"] ?? call.mask(0) {
      y = try context.select(try context.unsqueeze(mask, [try context.rank(of: mask)]), y, try context.scalar(0, like: y))
    }
    return call.options["return_attention_scores"]?.boolValue == true ? [y, weights] : [y]
  }
  public func mask<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value?] {
    let own = call.named["mask/0"] ?? call.mask()
    return call.options["return_attention_scores"]?.boolValue == true ? [own, nil] : [own]
  }
}

/// Dot-product attention (Luong et al., 2015), or with `scoreMode` concat the sum of tanh.
///
/// Weights: `scale` (scalar, if used), `concat_score_weight` (scalar, in concat mode).
public struct Attention: ScoredAttention {
  public enum ScoreMode: String, Sendable, CaseIterable, AttributeConvertible {
    case dot, concat
    public var attributeValue: AttributeValue { .string(rawValue) }
  }
  public static let className = "Attention"
  public var useScale = false
  public var scoreMode = ScoreMode.dot
  public var dropout = 0.0
  public init() {}

  public func weights(for inputs: [TensorType]) throws -> [WeightSpec] {
    var names: [String] = []
    if useScale { names.append("scale") }
    if scoreMode == .concat { names.append("concat_score_weight") }
    return names.enumerated().map { WeightSpec($1, [], path: "vars/\($0)") }
  }
  func scores<C: OpContext>(
    query: C.Value, key: C.Value, weights: [C.Value], in context: inout C
  ) throws -> C.Value {
    guard weights.count == (useScale ? 1 : 0) + (scoreMode == .concat ? 1 : 0) else {
      throw GraphError(.wrongInputCount, "Attention with \(weights.count) weights")
    }
    if scoreMode == .dot {
      let product = try context.matmul(query, key, transposeB: true)
      return useScale ? try context.mul(product, weights[0]) : product
    }
    let rank = try context.rank(of: query)
    var sum = try context.add(try context.unsqueeze(query, [rank - 1]), try context.unsqueeze(key, [rank - 2]))
    if useScale { sum = try context.mul(sum, weights[0]) }
    let total = try context.reduce(.sum, try context.apply(TanhOp(), sum), axes: [-1])
    return try context.mul(total, weights[weights.count - 1])
  }
}

/// Additive attention (Bahdanau et al., 2015): `Σ scale · tanh(query + key)`.
///
/// Weights: `scale` `[dim]`, if used.
public struct AdditiveAttention: ScoredAttention {
  public static let className = "AdditiveAttention"
  public var useScale = true
  public var dropout = 0.0
  public init() {}

  public func weights(for inputs: [TensorType]) throws -> [WeightSpec] {
    useScale ? [WeightSpec("scale", [try extent(inputs, axis: -1)], path: "vars/0")] : []
  }
  func scores<C: OpContext>(
    query: C.Value, key: C.Value, weights: [C.Value], in context: inout C
  ) throws -> C.Value {
    let rank = try context.rank(of: query)
    let sum = try context.add(try context.unsqueeze(query, [rank - 1]), try context.unsqueeze(key, [rank - 2]))
    var curve = try context.apply(TanhOp(), sum)
    if useScale, let scale = weights.first { curve = try context.mul(curve, scale) }
    return try context.reduce(.sum, curve, axes: [-1])
  }
}
