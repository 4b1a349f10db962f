import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

private let domain = "com.microsoft"

/// ONNX Runtime's operators for transformers and for weights of few bits.
let transformerRules: [NodeRule] = [
  .reads("NhwcMaxPool", domain: domain) { n, g in
    let rank = try n.spatialRank(g, 0)
    let op = PoolOp(
      .max, kernel: try n.required(try n.ints("kernel_shape"), "kernel_shape"), strides: try n.window("strides", rank),
      dilations: try n.window("dilations", rank), padding: try n.padding(rank), ceilMode: try n.flag("ceil_mode"),
      layout: .channelsLast)
    return [try g.apply(op, try n.input(0))]
  },
  .reads("MatMulIntegerToFloat", domain: domain) { n, g in
    let a = try g.apply(DequantizeLinearOp(axis: -1), try n.input(0), try n.input(2), n[4])
    let b = try g.apply(DequantizeLinearOp(axis: -1), try n.input(1), try n.input(3), n[5])
    let y = try g.matmul(a, b)
    return [try n[6].map { try g.add(y, $0) } ?? y]
  },
  .reads("MatMulNBits", domain: domain) { n, g in
    let y = try g.matmul(try n.input(0), try g.fewBits(n), transposeB: true)
    return [try n[5].map { try g.add(y, $0) } ?? y]
  },
  .reads("GatherBlockQuantized", domain: domain) { n, g in
    [try g.gather(try g.blocks(n), try n.input(1), axis: try n.int("gather_axis") ?? 0)]
  },
  .reads("DynamicQuantizeLSTM", domain: domain) { n, g in
    // The real weights: what ONNX Runtime loses by quantising the state in every step is not imitated.
    let w = try g.recurrentWeights(n, 1, scale: 8, zero: 9), r = try g.recurrentWeights(n, 2, scale: 10, zero: 11)
    return try g.apply(try n.lstm(in: g, hiddenSize: nil), to: [try n.input(0), w, r] + (3...7).map { n[$0] })
  },
  .reads("EmbedLayerNormalization", domain: domain) { n, g in
    guard try n.int("mask_index_type") ?? 0 == 0 else { throw UnsupportedError("an index of its mask that is no count") }
    var sum = try g.gather(try n.input(2), try n.input(0), axis: 0)
    if let places = n[8] {
      sum = try g.add(sum, try g.gather(try n.input(3), places, axis: 0))
    } else {
      let length = try g.squeeze(try g.dim(of: try n.input(0), 1), [0])
      let places = try g.apply(RangeOp(), try g.scalar(0, dtype: .int64), length, try g.scalar(1, dtype: .int64))
      sum = try g.add(sum, try g.gather(try n.input(3), places, axis: 0))
    }
    if let segments = n[1], let table = n[4] { sum = try g.add(sum, try g.gather(table, segments, axis: 0)) }
    let op = LayerNormalizationOp(axes: [-1], epsilon: try n.float("epsilon") ?? 1e-12)
    let y = try g.apply(op, sum, try n.input(5), n[6])
    guard n.wants(1) || n.wants(2) else { return [y] }
    if let mask = n[7] {
      let kept = try g.apply(EqualOp(), mask, try g.scalar(1, like: mask))
      return [y, try g.reduce(.sum, try g.cast(kept, to: .int32), axes: [1]), sum]
    }
    // Without a mask its index is zero for every sample.
    let batch = try g.dim(of: try n.input(0), 0)
    return [y, try g.expand(try g.scalar(0, dtype: .int32), to: batch), sum]
  },
]

extension GraphContext {
  /// The weights of `MatMulNBits` as floats, `[N, K]`: blocks of integers along K, several to a byte, low bits first.
  fileprivate mutating func fewBits(_ n: NodeReader) throws -> ValueID {
    let rows = try n.required(try n.int("N"), "N"), columns = try n.required(try n.int("K"), "K")
    let block = try n.required(try n.int("block_size"), "block_size"), bits = try n.int("bits") ?? 4
    guard (1...(1 << 24)).contains(rows), (1...(1 << 24)).contains(columns), (1...(1 << 20)).contains(block), block % 2 == 0 else {
      throw FormatError(.invalidValue, "MatMulNBits of \(rows) × \(columns) in blocks of \(block)")
    }
    guard [2, 4, 8].contains(bits), n[4] == nil else { throw UnsupportedError("weights of \(bits) bits, or in an order of their own") }
    let blocks = (columns + block - 1) / block, perByte = 8 / bits
    let integers = try reshape(try unpacked(try n.input(1), bits), [rows, blocks, block])
    let scales = try reshape(try n.input(2), [rows, blocks, 1])
    var zero = try scalar(Double(1 << (bits - 1)), like: scales)
    if let given = n[3] {
      if type(of: given).dtype == .uint8 {
        let bytes = (blocks + perByte - 1) / perByte
        let all = try reshape(try unpacked(given, bits), [rows, bytes * perByte])
        zero = try cast(try unsqueeze(try slice(all, axis: 1, start: 0, end: blocks), [-1]), to: type(of: scales).dtype)
      } else {
        zero = try reshape(given, [rows, blocks, 1])
      }
    }
    let reals = try mul(try sub(try cast(integers, to: type(of: scales).dtype), zero), scales)
    return try slice(try reshape(reals, [rows, blocks * block]), axis: 1, start: 0, end: columns)
  }

  /// The integers of each byte behind one another, as `[bytes, integers to a byte]` of int32: arithmetic, which each format has.
  private mutating func unpacked(_ bytes: ValueID, _ bits: Int) throws -> ValueID {
    guard bits < 8 else { return bytes }
    let flat = try cast(try reshape(bytes, [-1, 1]), to: .int32), count = try scalar(Double(1 << bits), dtype: .int32)
    var parts: [ValueID] = []
    for shift in stride(from: 0, to: 8, by: bits) {
      let moved = shift == 0 ? flat : try div(flat, try scalar(Double(1 << shift), dtype: .int32))
      parts.append(shift + bits == 8 ? moved : try apply(ModOp(), moved, count))
    }
    return try concat(parts, axis: 1)
  }

  /// The table of `GatherBlockQuantized` as real numbers: several integers to a byte along its last axis, a scale to a block.
  fileprivate mutating func blocks(_ n: NodeReader) throws -> ValueID {
    let data = try n.input(0), scales = try n.input(2), block = try n.int("block_size") ?? 128, bits = try n.int("bits") ?? 4
    guard let rank = type(of: data).shape.rank, rank > 0, (1...(1 << 20)).contains(block) else {
      throw UnsupportedError("a table of unknown rank, or in blocks of \(block)")
    }
    let quantized = try n.int("quantize_axis") ?? 1, axis = quantized < 0 ? quantized + rank : quantized
    guard (0..<rank).contains(axis) else { throw FormatError(.invalidValue, "\(n.type): quantize_axis \(quantized) of \(rank) axes") }
    guard type(of: data).dtype == .uint8 else {
      return try apply(DequantizeLinearOp(axis: axis, blockSize: block), data, scales, n[3])
    }
    guard [2, 4, 8].contains(bits), axis == rank - 1, let dims = type(of: data).shape.dims?.compactMap(\.value), dims.count == rank,
      let known = type(of: scales).shape.dims?.compactMap(\.value), known.count == rank, let width = dims.last, let count = known.last,
      let all = checkedProduct([width, 8 / bits]), let padded = checkedProduct([count, block]), padded >= all
    else { throw UnsupportedError("a table of unknown extents, of \(bits) bits, or in blocks along another axis") }
    let dtype = type(of: scales).dtype, rows = Array(dims.dropLast())
    func real(_ integers: ValueID, _ g: inout GraphContext) throws -> ValueID { try g.cast(integers, to: dtype) }
    var values = try reshape(try real(try unpacked(data, bits), &self), rows + [all])
    if padded > all { values = try pad(values, before: rows.map { _ in 0 } + [0], after: rows.map { _ in 0 } + [padded - all]) }
    values = try reshape(values, rows + [count, block])
    var zero = try scalar(Double(1 << (bits - 1)), dtype: dtype)
    if let packed = n[3] {
      let bytes = (count + 8 / bits - 1) / (8 / bits)
      let places = try reshape(try real(try unpacked(packed, bits), &self), rows + [bytes * (8 / bits)])
      zero = try unsqueeze(try slice(places, axis: rank - 1, start: 0, end: count), [-1])
    }
    let reals = try reshape(try mul(try sub(values, zero), try unsqueeze(scales, [-1])), rows + [padded])
    return padded > all ? try slice(reals, axis: rank - 1, start: 0, end: all) : reals
  }

  /// Quantised weights of a recurrent operator, `[directions, inputs, gates]`, as the float ones of the default domain.
  fileprivate mutating func recurrentWeights(_ n: NodeReader, _ index: Int, scale: Int, zero: Int) throws -> ValueID {
    let weights = try n.input(index)
    guard let directions = type(of: weights).shape.dims?.first?.value else { throw UnsupportedError("weights of unknown shape") }
    var reals = try cast(weights, to: .float32)
    if let zero = n[zero] { reals = try sub(reals, try reshape(try cast(zero, to: .float32), [directions, 1, -1])) }
    return try transpose(try mul(reals, try reshape(try n.input(scale), [directions, 1, -1])), [0, 2, 1])
  }
}
