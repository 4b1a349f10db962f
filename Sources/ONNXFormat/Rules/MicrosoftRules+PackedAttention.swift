import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

private let domain = "com.microsoft"

/// ONNX Runtime's attention whose queries, keys and values come from one product with packed weights: of floats (`Attention`), or of
/// bytes (`QAttention`).
let packedAttentionRules: [NodeRule] = [
  .reads("Attention", domain: domain) { n, g in
    var y = try g.matmul(try n.input(0), try n.input(1))
    if let bias = n[2] { y = try g.add(y, bias) }
    return try g.packedAttention(n, projected: y, mask: n[3], past: n[4], bias: n[5])
  },
  .reads("QAttention", domain: domain) { n, g in
    let x = try g.apply(DequantizeLinearOp(axis: -1), try n.input(0), try n.input(3), n[6])
    let w = try g.apply(DequantizeLinearOp(axis: -1), try n.input(1), try n.input(4), n[7])
    let y = try g.add(try g.matmul(x, w), try n.input(2))
    return try g.packedAttention(n, projected: y, mask: n[5], past: n[8], bias: nil)
  },
]

extension GraphContext {
  /// - Parameters:
  ///   - projected: `[B, T, queries + keys + values]`.
  ///   - mask: what is 0 for keys that are left out, `[B, K]`, `[B, T, K]` or `[B, 1, K, K]`; or how many keys each sample has, `[B]`.
  ///   - past: the keys and values before, `[2, B, heads, P, size]`.
  ///   - bias: what is added to the scores.
  /// - Returns: the result, and the keys and values of `past` with the new ones behind.
  fileprivate mutating func packedAttention(
    _ n: NodeReader, projected: ValueID, mask: ValueID?, past: ValueID?, bias: ValueID?
  ) throws -> [ValueID] {
    guard try !n.flag("do_rotary"), try !n.flag("past_present_share_buffer") else {
      throw UnsupportedError("attention with rotary positions, or a past in a buffer of its own")
    }
    let heads = try n.required(try n.int("num_heads"), "num_heads")
    guard let packed = type(of: projected).shape.dims?.last?.value, (1...(1 << 16)).contains(heads), packed > 0 else {
      throw UnsupportedError("attention with weights of unknown extents")
    }
    let widths = try n.ints("qkv_hidden_sizes").flatMap { $0.isEmpty ? nil : $0 } ?? [Int](repeating: packed / 3, count: 3)
    guard widths.count == 3, widths.allSatisfy({ $0 > 0 && $0 <= packed && $0 % heads == 0 }), widths.reduce(0, +) == packed,
      widths[0] == widths[1]
    else { throw FormatError(.invalidValue, "\(n.type): \(packed) columns for \(heads) heads of queries, keys and values") }
    func part(_ index: Int, _ g: inout GraphContext) throws -> ValueID {
      let start = widths[..<index].reduce(0, +)
      let own = try g.slice(projected, axis: 2, start: start, end: start + widths[index])
      return try g.transpose(try g.reshape(own, [0, 0, heads, widths[index] / heads]), [0, 2, 1, 3])
    }
    let q = try part(0, &self)
    var k = try part(1, &self), v = try part(2, &self)
    var results: [ValueID] = []
    if let past {
      k = try concat([try squeeze(try slice(past, axis: 0, start: 0, end: 1), [0]), k], axis: 2)
      v = try concat([try squeeze(try slice(past, axis: 0, start: 1, end: 2), [0]), v], axis: 2)
    }
    if n.wants(1) {
      guard widths[2] == widths[0] else { throw UnsupportedError("the keys and values of sizes of their own as one result") }
      results = [try concat([try unsqueeze(k, [0]), try unsqueeze(v, [0])], axis: 0)]
    }
    let factor = try n.float("scale").flatMap { $0 == 0 ? nil : $0 } ?? 1 / Double(widths[0] / heads).squareRoot()
    var scores = try matmul(q, try transpose(k, [0, 1, 3, 2]))
    scores = try mul(scores, try scalar(factor, like: scores))
    let low = try scalar(try n.float("mask_filter_value") ?? -10000, like: scores)
    let steps = try dim(of: scores, 2), keys = try dim(of: scores, 3)
    if let mask {
      scores = try add(scores, try mul(try leftOut(mask, steps: steps, keys: keys, batchOf: projected, like: scores), low))
    }
    if try n.flag("unidirectional") {
      // A step looks at itself and all before, the past too.
      let rows = try add(try reshape(try counted(steps), [-1, 1]), try sub(keys, steps))
      let isAhead = try apply(GreaterOp(), try reshape(try counted(keys), [1, -1]), rows)
      scores = try add(scores, try mul(try cast(isAhead, to: type(of: scores).dtype), low))
    }
    if let bias { scores = try add(scores, bias) }
    let y = try transpose(try matmul(try softmax(scores), v), [0, 2, 1, 3])
    return [try reshape(y, [0, 0, widths[2]])] + results
  }

  /// 1 for keys that are left out, else 0; fits the scores `[B, heads, T, K]`.
  private mutating func leftOut(
    _ mask: ValueID, steps: ValueID, keys: ValueID, batchOf x: ValueID, like scores: ValueID
  ) throws -> ValueID {
    let dtype = type(of: scores).dtype
    guard let dims = type(of: mask).shape.dims else { throw UnsupportedError("a mask of unknown rank") }
    if dims.count == 1 {
      // Of twice as many numbers the second half says where the keys start.
      guard dims[0] != .unknown, dims[0] == type(of: x).shape.dims?.first else {
        throw UnsupportedError("a mask that may hold the first keys as well as the last")
      }
      let places = try cast(try reshape(try counted(keys), [1, 1, 1, -1]), to: type(of: mask).dtype)
      return try cast(try apply(GreaterOrEqualOp(), places, try reshape(mask, [-1, 1, 1, 1])), to: dtype)
    }
    var kept = try cast(mask, to: dtype)
    switch dims.count {
    case 2: kept = try unsqueeze(kept, [1, 2])
    case 3: kept = try unsqueeze(kept, [1])
    case 4:
      // A square for all steps that there may be: the rows of the last ones.
      let first = try sub(keys, steps)
      kept = try apply(SliceOp(), to: [kept, first, keys, try ints([2])])[0]
      kept = try apply(SliceOp(), to: [kept, try ints([0]), keys, try ints([3])])[0]
    default: throw UnsupportedError("a mask of rank \(dims.count)")
    }
    return try sub(try scalar(1, like: scores), kept)
  }
}
