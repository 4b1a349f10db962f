import ModelGraph
import ModelTensor

/// Scaled dot-product attention with heads, grouped heads, masks and caches (ONNX Attention, opset 25).
///
/// Inputs: `q`, `k`, `v` (`[B, heads, T, D]`, or `[B, T, heads·D]` with the numbers of heads as attributes), `mask?` (bool: true takes
/// part; or what is added to the scores), `pastKey?`, `pastValue?` (in front of `k` and `v`), `validLengths?` (`[B]`: how many keys are no
/// padding). Results: as many as `resultCount` of `y`, the keys, the values, the scores in the state that `scoreStage` says.
/// A query that may look at nothing gives zeros.
public struct AttentionOp: CompositeOp {
  public static let name = "Attention"
  public static let family = OpFamily.attention
  public var isCausal: Bool
  public var queryHeads: Int?
  public var keyValueHeads: Int?
  /// `1/√D` when `nil`.
  public var scale: Double?
  /// Scores become `cap · tanh(scores / cap)`; 0 for none.
  public var softcap: Double
  /// 0 products, 1 capped, 2 masked, 3 probabilities.
  public var scoreStage: Int
  public var softmaxDType: DType?
  /// How far a query looks back and ahead; −1 for any distance.
  public var leftWindow: Int
  public var rightWindow: Int
  public var resultCount: Int
  public init(
    isCausal: Bool = false, queryHeads: Int? = nil, keyValueHeads: Int? = nil, scale: Double? = nil, softcap: Double = 0,
    scoreStage: Int = 0, softmaxDType: DType? = nil, leftWindow: Int = -1, rightWindow: Int = -1, resultCount: Int = 1
  ) {
    self.isCausal = isCausal
    self.queryHeads = queryHeads
    self.keyValueHeads = keyValueHeads
    self.scale = scale
    self.softcap = softcap
    self.scoreStage = scoreStage
    self.softmaxDType = softmaxDType
    self.leftWindow = leftWindow
    self.rightWindow = rightWindow
    self.resultCount = resultCount
  }

  public func decompose<C: OpContext>(_ inputs: [C.Value?], in context: inout C) throws -> [C.Value] {
    func input(_ index: Int) -> C.Value? { index < inputs.count ? inputs[index] : nil }
    guard var q = input(0), var k = input(1), var v = input(2) else {
      throw GraphError(.wrongInputCount, "Attention takes a query, keys and values")
    }
    let dtype = context.type(of: q).dtype
    let isFlat = try context.rank(of: q) == 3
    if isFlat {
      q = try split(q, queryHeads, in: &context)
      k = try split(k, keyValueHeads, in: &context)
      v = try split(v, keyValueHeads, in: &context)
    }
    let past = input(4)
    if let past { k = try context.concat([past, k], axis: 2) }
    if let past = input(5) { v = try context.concat([past, v], axis: 2) }
    let keys = k, values = v
    (k, v) = (try repeated(k, like: q, in: &context), try repeated(v, like: q, in: &context))
    guard let width = context.type(of: q).shape.dims?.last?.value ?? context.type(of: k).shape.dims?.last?.value, width > 0 else {
      throw GraphError(.missingType, "Attention over heads of unknown width")
    }
    // Half of the scale on each side keeps the products small.
    let factor = try context.scalar((scale ?? 1 / Double(width).squareRoot()).squareRoot(), like: q)
    let products = try context.matmul(try context.mul(q, factor), try context.mul(k, factor), transposeB: true)
    var scores = products
    if softcap > 0 {
      let cap = try context.scalar(softcap, like: scores)
      scores = try context.mul(try context.apply(TanhOp(), try context.div(scores, cap)), cap)
    }
    let capped = scores
    let mask = try bias(inputs, scores: scores, past: past, in: &context)
    if let mask { scores = try context.add(scores, mask.added) }
    let masked = scores
    if let softmaxDType { scores = try context.cast(scores, to: softmaxDType) }
    let probabilities = try context.cast(try probabilities(scores, sees: mask?.sees, in: &context), to: dtype)
    var y = try context.matmul(probabilities, try context.cast(v, to: dtype))
    if isFlat { y = try context.reshape(try context.transpose(y, [0, 2, 1, 3]), [0, 0, -1]) }
    let stage = [products, capped, masked, probabilities]
    guard stage.indices.contains(scoreStage) else { throw GraphError(.invalidAttribute, "Attention: score stage \(scoreStage)") }
    return Array([y, keys, values, stage[scoreStage]].prefix(max(1, resultCount)))
  }

  /// `[B, T, heads·D]` as `[B, heads, T, D]`.
  private func split<C: OpContext>(_ x: C.Value, _ heads: Int?, in context: inout C) throws -> C.Value {
    guard let heads, heads > 0 else { throw GraphError(.invalidAttribute, "Attention of rank 3 needs its numbers of heads") }
    return try context.transpose(try context.reshape(x, [0, 0, heads, -1]), [0, 2, 1, 3])
  }

  /// Each head of keys or values as often as query heads share it.
  private func repeated<C: OpContext>(_ x: C.Value, like q: C.Value, in context: inout C) throws -> C.Value {
    let own = context.type(of: x).shape.dims, heads = context.type(of: q).shape.dims
    guard let own, let heads, own.count == 4, heads.count == 4 else {
      throw GraphError(.shapeMismatch, "Attention takes tensors of rank 3 or 4")
    }
    if own[1] == heads[1] { return x }
    guard let few = own[1].value, let many = heads[1].value, few > 0, many % few == 0 else {
      throw GraphError(.shapeMismatch, "Attention of \(heads[1]) query heads with \(own[1]) key heads")
    }
    let wide = try context.expand(try context.unsqueeze(x, [2]), to: try context.ints([1, 1, many / few, 1, 1]))
    let shape = try context.concat(
      [try context.ints([0, many]), try context.dim(of: x, 2), try context.dim(of: x, 3)], axis: 0)
    return try context.reshape(wide, to: shape)
  }

  /// What is added to the scores: 0 or −∞, or the mask itself; and which keys a query sees.
  private func bias<C: OpContext>(
    _ inputs: [C.Value?], scores: C.Value, past: C.Value?, in context: inout C
  ) throws -> (added: C.Value, sees: C.Value)? {
    let dtype = context.type(of: scores).dtype
    let zero = try context.scalar(0, dtype: dtype), never = try context.scalar(-.infinity, dtype: dtype)
    var result: (added: C.Value, sees: C.Value)?
    if inputs.count > 3, var mask = inputs[3] {
      let isBool = context.type(of: mask).dtype == .bool
      mask = isBool ? try context.select(mask, zero, never) : try context.cast(mask, to: dtype)
      // A mask that is too short leaves the rest out.
      if let have = context.type(of: mask).shape.dims?.last?.value, let need = context.type(of: scores).shape.dims?.last?.value,
        have < need,
        have > 1 || need > 1
      {
        let rank = try context.rank(of: mask)
        let none = [Int](repeating: 0, count: rank)
        mask = try context.pad(mask, before: none, after: none.dropLast() + [need - have], value: -.infinity)
      }
      result = (mask, try context.apply(NotEqualOp(), mask, never))
    }
    let lengths = inputs.count > 6 ? inputs[6] : nil
    guard isCausal || leftWindow >= 0 || rightWindow >= 0 || lengths != nil else { return result }
    let rows = try positions(scores, axis: 2, shape: [-1, 1], in: &context)
    let columns = try positions(scores, axis: 3, shape: [1, -1], in: &context)
    var query = rows, allowed: C.Value?
    func restrict(_ condition: C.Value, in context: inout C) throws {
      allowed = try allowed.map { try context.apply(LogicalAndOp(), $0, condition) } ?? condition
    }
    if let past { query = try context.add(rows, try context.reshape(try context.dim(of: past, 2), [1, 1])) }
    if let lengths {
      let valid = try context.reshape(lengths, [-1, 1, 1, 1])
      try restrict(try context.apply(LessOp(), columns, valid), in: &context)
      if past == nil {
        query = try context.add(rows, try context.sub(valid, try context.reshape(try context.dim(of: scores, 2), [1, 1])))
      }
    }
    if isCausal { try restrict(try context.apply(LessOrEqualOp(), columns, query), in: &context) }
    if leftWindow >= 0 {
      let first = try context.sub(query, try context.scalar(Double(leftWindow), dtype: .int64))
      try restrict(try context.apply(GreaterOrEqualOp(), columns, first), in: &context)
    }
    if rightWindow >= 0 {
      let last = try context.add(query, try context.scalar(Double(rightWindow), dtype: .int64))
      try restrict(try context.apply(LessOrEqualOp(), columns, last), in: &context)
    }
    guard let allowed else { return result }
    let own = try context.select(allowed, zero, never)
    guard let result else { return (own, allowed) }
    return (try context.add(result.added, own), try context.apply(LogicalAndOp(), result.sees, allowed))
  }

  /// `0, 1, …` along an axis of the scores.
  private func positions<C: OpContext>(_ scores: C.Value, axis: Int, shape: [Int], in context: inout C) throws -> C.Value {
    let count = try context.reshape(try context.dim(of: scores, axis), [])
    let zero = try context.scalar(0, dtype: .int64), one = try context.scalar(1, dtype: .int64)
    return try context.reshape(try context.apply(RangeOp(), zero, count, one), shape)
  }

  /// The softmax, zero for queries that see nothing.
  private func probabilities<C: OpContext>(_ scores: C.Value, sees: C.Value?, in context: inout C) throws -> C.Value {
    guard let sees else { return try context.softmax(scores) }
    // Asked of the mask, not of the scores: LiteRT makes the smallest finite number of a sum of −∞.
    let isBlind = try context.apply(LogicalNotOp(), try context.reduce(.any, sees, axes: [-1], keepDims: true))
    let zero = try context.scalar(0, like: scores)
    return try context.select(isBlind, zero, try context.softmax(try context.select(isBlind, zero, scores)))
  }
}
