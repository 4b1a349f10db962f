import ModelGraph
import ModelTensor

/// Bits of a locality-sensitive hash of the rows of a tensor (LiteRT's `LSH_PROJECTION`; Ravi, 2017).
///
/// Inputs: seeds (float32 `[hashes, bits]`), `x` (any dtype but strings, one row per index of the first axis), `weights?` (float32,
/// one per row). A bit is 1 where the weighted sum of the rows' hashes is positive. Result: int32, each bit by itself
/// (`[hashes · bits]`), or with `isSparse` one number for each hash (`[hashes]`).
public struct LSHProjectionOp: PrimitiveOp {
  public static let name = "LSHProjection"
  public static let family = OpFamily.text
  public var isSparse: Bool
  public init(isSparse: Bool) { self.isSparse = isSparse }

  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    guard let dims = try inputs.required(0, of: self).type.shape.dims else { return [TensorType(.int32, .ranked([.unknown]))] }
    guard dims.count == 2 else { throw GraphError(.shapeMismatch, "LSHProjection by seeds of rank \(dims.count)") }
    if isSparse { return [TensorType(.int32, .ranked([dims[0]]))] }
    let count = dims[0].value.flatMap { rows in dims[1].value.flatMap { checkedProduct([rows, $0]) } }
    return [TensorType(.int32, .ranked([count.map { .fixed($0) } ?? .unknown]))]
  }

  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let seeds = try inputs.required(0, of: self), x = try inputs.required(1, of: self)
    let weights = inputs.optional(2)?.doubles()
    guard seeds.dtype == .float32, seeds.rank == 2, x.rank >= 1, x.dtype.bitWidth != nil, weights.map({ $0.count >= x.shape[0] }) ?? true,
      seeds.shape[1] <= 32
    else { throw ExecutionError(.invalidInput, "LSHProjection of \(x.type) by seeds \(seeds.type)") }
    let bytes = try Tensor(x).source.bytes(), rows = x.shape[0], width = rows == 0 ? 0 : bytes.count / rows
    let bits = seeds.doubles().map { seed -> Int32 in
      let prefix = withUnsafeBytes(of: Float(seed).bitPattern.littleEndian) { Array($0) }
      var score = 0.0
      for row in 0..<rows {
        let hash = farmHash64(prefix + bytes[(row * width)..<((row + 1) * width)])
        let value = Double(Int64(bitPattern: hash))
        score += (weights.map { $0[row] } ?? 1) * value
      }
      return score > 0 ? 1 : 0
    }
    guard isSparse else { return [NDArray(bits, [bits.count])] }
    let width32 = seeds.shape[1]
    let hashes = (0..<seeds.shape[0]).map { hash -> Int32 in
      let signature = (0..<width32).reduce(Int32(0)) { $0 << 1 | bits[hash * width32 + $1] }
      return signature &+ Int32(truncatingIfNeeded: hash) &* (width32 < 32 ? 1 << Int32(width32) : 0)
    }
    return [NDArray(hashes, [hashes.count])]
  }
}
