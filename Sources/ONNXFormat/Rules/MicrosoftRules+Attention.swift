import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

private let domain = "com.microsoft"

/// ONNX Runtime's attention with queries, keys and values of their own (`onnxruntime/core/graph/contrib_ops/bert_defs.cc`).
let contributedAttentionRules: [NodeRule] = [
  .reads("GroupQueryAttention", domain: domain) { n, g in try g.groupedAttention(n) },
  .reads("MultiHeadAttention", domain: domain) { n, g in try g.multiHeadAttention(n) },
  .reads("RotaryEmbedding", domain: domain) { n, g in
    guard try n.int("scale").map({ $0 == 1 }) ?? true, try !n.flag("is_packed_batching") else {
      throw UnsupportedError("positions that are scaled, or batches that are packed")
    }
    let x = try n.input(0), isFlat = try g.rank(of: x) == 3
    var heads = try n.int("num_heads") ?? 0
    let width = try n.int("rotary_embedding_dim") ?? 0
    if isFlat, heads == 0 {
      // The cosines tell how wide a head is.
      guard let half = g.type(of: try n.input(2)).shape.dims?.last?.value, let all = g.type(of: x).shape.dims?.last?.value, half > 0,
        all % (2 * half) == 0
      else { throw UnsupportedError("heads of unknown width") }
      heads = all / (2 * half)
    }
    var positions = try n.input(1)
    if g.type(of: positions).shape.rank == 1 {
      // One position: that of the first step.
      positions = try g.add(try g.reshape(positions, [1, 1]), try g.reshape(try g.counted(try g.dim(of: x, isFlat ? 1 : 2)), [1, -1]))
    }
    let op = RotaryEmbeddingOp(interleaved: try n.flag("interleaved"), rotaryWidth: width, heads: heads)
    return [try g.apply(op, x, try n.input(2), try n.input(3), positions)]
  },
]

extension GraphContext {
  /// `0, 1, …` below a number given as a vector of one element.
  mutating func counted(_ count: ValueID) throws -> ValueID {
    try apply(RangeOp(), try scalar(0, dtype: .int64), try reshape(count, []), try scalar(1, dtype: .int64))
  }

  /// `[B, T, heads · D]` as `[B, heads, T, D]`.
  private mutating func headed(_ x: ValueID, _ heads: Int) throws -> ValueID {
    try transpose(try reshape(x, [0, 0, heads, -1]), [0, 2, 1, 3])
  }

  /// Attention of several query heads to one head of keys, over a cache that grows, or whose end is not yet used.
  ///
  /// `seqlens_k` holds how many keys each sample has, less one: the new ones stand where its own past ends.
  fileprivate mutating func groupedAttention(_ n: NodeReader) throws -> [ValueID] {
    let heads = try n.required(try n.int("num_heads"), "num_heads"), few = try n.required(try n.int("kv_num_heads"), "kv_num_heads")
    guard (1...(1 << 16)).contains(heads), (1...heads).contains(few), heads % few == 0 else {
      throw FormatError(.invalidValue, "\(n.type) of \(heads) heads in \(few) groups")
    }
    guard n.inputs.count <= 11 || !(11..<n.inputs.count).contains(where: { n[$0] != nil }), try !n.flag("smooth_softmax"),
      try !n.flag("sliding_window_cache"), try n.flag("causal", true), try n.int("qk_output") ?? 0 == 0, !n.wants(3),
      try n.string("k_quant_type") ?? "NONE" == "NONE", try n.string("v_quant_type") ?? "NONE" == "NONE"
    else { throw UnsupportedError("attention with sinks, norms, scores as a result or a cache of integers") }
    var q = try n.input(0)
    var k: ValueID, v: ValueID
    if let key = n[1] {
      (k, v) = (key, try n.input(2))
    } else {
      guard let all = type(of: q).shape.dims?.last?.value, all % (heads + 2 * few) == 0 else {
        throw UnsupportedError("attention with packed projections of unknown extent")
      }
      let size = all / (heads + 2 * few), packed = q
      q = try slice(packed, axis: 2, start: 0, end: heads * size)
      k = try slice(packed, axis: 2, start: heads * size, end: (heads + few) * size)
      v = try slice(packed, axis: 2, start: (heads + few) * size, end: all)
    }
    (q, k, v) = (try headed(q, heads), try headed(k, few), try headed(v, few))
    let steps = try dim(of: q, 2), lengths = try add(try cast(try n.input(5), to: .int64), try scalar(1, dtype: .int64))
    // [B, 1]: how many keys there are before the new ones; a prompt has none.
    let past = try reshape(try maximum(try sub(lengths, steps), try scalar(0, dtype: .int64)), [-1, 1])
    let places = try add(past, try reshape(try counted(steps), [1, -1]))
    if try n.flag("do_rotary") {
      let turn = RotaryEmbeddingOp(interleaved: try n.flag("rotary_interleaved")), positions = n[9] ?? places
      q = try apply(turn, q, try n.input(7), try n.input(8), positions)
      k = try apply(turn, k, try n.input(7), try n.input(8), positions)
    }
    if let pastKey = n[3], let pastValue = n[4] {
      let room = try dim(of: pastKey, 2)
      // What the file says the cache becomes, else as much as it is told to hold.
      let stated = n.declared.count > 1 ? n.declared[1]?.shape.dims.flatMap { $0.count == 4 ? $0[2].value : nil } : nil
      let total = try stated.map { try ints([$0]) } ?? maximum(room, try reshape(try cast(try n.input(6), to: .int64), [1]))
      // Where each place of the new cache comes from: the old one, or the new keys behind it.
      let place = try reshape(try counted(total), [1, -1])
      let isOld = try apply(LessOp(), place, past)
      let new = try minimum(try add(try sub(place, past), room), try sub(try add(room, steps), try scalar(1, dtype: .int64)))
      let rows = try select(isOld, place, new), isAlone = type(of: q).shape.dims?.first == .fixed(1)
      func grown(_ old: ValueID, _ new: ValueID, _ g: inout GraphContext) throws -> ValueID {
        let all = try g.concat([old, new], axis: 2)
        if isAlone { return try g.gather(all, try g.reshape(rows, [-1]), axis: 2) }
        let picked = try g.apply(GatherNDOp(batchDims: 1), try g.transpose(all, [0, 2, 1, 3]), try g.unsqueeze(rows, [-1]))
        return try g.transpose(picked, [0, 2, 1, 3])
      }
      (k, v) = (try grown(pastKey, k, &self), try grown(pastValue, v, &self))
    }
    // [B, 1, T, keys]
    let column = try reshape(try counted(try dim(of: k, 2)), [1, 1, 1, -1]), row = try unsqueeze(places, [1, 3])
    var sees = try apply(LessOrEqualOp(), column, row)
    if let window = try n.int("local_window_size"), window >= 0 {
      let first = try sub(row, try scalar(Double(window), dtype: .int64))
      sees = try apply(LogicalAndOp(), sees, try apply(GreaterOp(), column, first))
    }
    var mask = sees
    if let bias = n[10] { mask = try select(sees, bias, try scalar(-.infinity, like: bias)) }
    let op = AttentionOp(scale: try n.float("scale").flatMap { $0 == 0 ? nil : $0 }, softcap: try n.float("softcap") ?? 0)
    let y = try transpose(try apply(op, q, k, v, mask), [0, 2, 1, 3])
    return [try reshape(y, [0, 0, -1]), k, v]
  }

  /// Attention whose projections are computed before it.
  fileprivate mutating func multiHeadAttention(_ n: NodeReader) throws -> [ValueID] {
    let heads = try n.required(try n.int("num_heads"), "num_heads")
    guard (1...(1 << 16)).contains(heads) else { throw FormatError(.invalidValue, "\(n.type) of \(heads) heads") }
    guard let key = n[1], let value = n[2], n[8] == nil, n[9] == nil, !n.wants(3), type(of: try n.input(0)).shape.rank == 3 else {
      throw UnsupportedError("attention with packed projections, beams or scores as a result")
    }
    var (q, k, v) = (try n.input(0), key, value)
    if let bias = n[3] {
      func width(_ x: ValueID) throws -> Int {
        guard let dims = type(of: x).shape.dims, dims.count == 3, let width = dims[2].value else {
          throw UnsupportedError("attention with a bias over projections of unknown extent")
        }
        return width
      }
      let own = try width(q), other = try width(k), last = try width(v)
      q = try add(q, try slice(bias, axis: 0, start: 0, end: own))
      k = try add(k, try slice(bias, axis: 0, start: own, end: own + other))
      v = try add(v, try slice(bias, axis: 0, start: own + other, end: own + other + last))
    }
    q = try headed(q, heads)
    // Of cross attention they may come with their heads apart.
    if type(of: k).shape.rank == 3 { k = try headed(k, heads) }
    if type(of: v).shape.rank == 3 { v = try headed(v, heads) }
    let low = try n.float("mask_filter_value") ?? -10000
    var mask: ValueID?
    if let given = n[4] {
      guard let rank = type(of: given).shape.rank, rank >= 2 else { throw UnsupportedError("a mask of another form than [batch, time]") }
      let zero = try scalar(0, like: q), gone = try scalar(low, like: q)
      let kept = try select(try cast(given, to: .bool), zero, gone)
      mask = rank == 2 ? try unsqueeze(kept, [1, 2]) : rank == 3 ? try unsqueeze(kept, [1]) : kept
    }
    if let bias = n[5] { mask = try mask.map { try add($0, bias) } ?? bias }
    let op = AttentionOp(
      isCausal: try n.flag("unidirectional"), scale: try n.float("scale").flatMap { $0 == 0 ? nil : $0 }, resultCount: 3)
    let results = try apply(op, to: [q, k, v, mask, n[6], n[7]])
    let y = try reshape(try transpose(results[0], [0, 2, 1, 3]), [0, 0, -1])
    return [y, results[1], results[2]]
  }
}
