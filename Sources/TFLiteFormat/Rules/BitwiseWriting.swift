import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// Operations on the bits of integers, of which LiteRT has the exclusive "or" and the shift to the right, of at most 32 bits.
let bitwiseWriting: [WritingRule] = [
  .writes(BitwiseNotOp.self) { _, x, w in
    let x = try x.required(0)
    if x.dtype == .bool { return [try w.apply(LogicalNotOp(), x)] }
    // LiteRT subtracts neither narrow nor unsigned integers.
    guard ![.int32, .int64].contains(x.dtype) else { return [try w.sub(try w.scalar(-1, like: x), x)] }
    guard let width = x.dtype.bitWidth, width <= 32 else { throw UnsupportedError("bits of \(x.dtype)") }
    let ones = try w.scalar(x.dtype.isSignedInteger ? -1 : Double((1 << width) - 1), like: x)
    return [try w.emit(.bitwiseXor, try w.alike([x, ones], x.type), as: TensorType(x.dtype, x.type.shape))]
  },
  .writes(BitwiseXorOp.self) { op, x, w in
    let type = try w.types(op, x)[0]
    if [.int64, .uint64].contains(type.dtype) {
      let (a, b) = try w.words(x, type)
      return [try w.joined(try w.apply(op, a, b), type.dtype)]
    }
    return [try w.emit(.bitwiseXor, try w.alike(x.values.compactMap { $0 }, type), as: type)]
  },
  .writes(BitShiftOp.self) { op, x, w in
    let a = try x.required(0), b = try x.required(1), type = try w.types(op, x)[0]
    if op.left {
      // Multiplication by a power of two, of which what is too long wraps.
      let power = try w.pow(try w.scalar(2, dtype: .float32), try w.cast(b, to: .float32))
      let narrow: Set<DType> = [.int8, .uint8, .int16, .uint16, .int32]
      guard narrow.contains(type.dtype) else { return [try w.mul(a, try w.cast(power, to: a.dtype))] }
      let product = try w.mul(try w.cast(a, to: .int32), try w.cast(try w.cast(power, to: .int64), to: .int32))
      return [try w.cast(product, to: type.dtype)]
    }
    guard type.dtype.bitWidth ?? 64 <= 32 else { throw UnsupportedError("a shift to the right of \(type.dtype)") }
    return [try w.emit(.rightShift, try w.alike([a, b], type), as: type)]
  },
  .writes(BitwiseAndOp.self) { op, x, w in
    let type = try w.types(op, x)[0], (a, b) = try w.words(x, type)
    return [try w.joined(try w.commonBits(a, b), type.dtype)]
  },
  .writes(BitwiseOrOp.self) { op, x, w in
    // What one of them has, and what both have.
    let type = try w.types(op, x)[0], (a, b) = try w.words(x, type)
    return [try w.joined(try w.add(try w.apply(BitwiseXorOp(), a, b), try w.commonBits(a, b)), type.dtype)]
  },
]

extension OperatorWriter {
  /// Integers as int32: those of 64 bits as two along a new last axis.
  fileprivate mutating func words(_ inputs: RuleInputs, _ type: TensorType) throws -> (OutValue, OutValue) {
    let a = try inputs.required(0), b = try inputs.required(1)
    switch type.dtype {
    case .int32, .int16, .int8, .uint16, .uint8: return (try cast(a, to: .int32), try cast(b, to: .int32))
    case .uint32, .int64, .uint64: return (try apply(BitCastOp(to: .int32), a), try apply(BitCastOp(to: .int32), b))
    default: throw UnsupportedError("bits of \(type.dtype)")
    }
  }
  /// What `words` has taken apart.
  fileprivate mutating func joined(_ words: OutValue, _ dtype: DType) throws -> OutValue {
    [.uint32, .int64, .uint64].contains(dtype) ? try apply(BitCastOp(to: dtype), words) : try cast(words, to: dtype)
  }

  /// The bits that both have. `a + b` is `a xor b` and twice these; without the last bits nothing overflows.
  fileprivate mutating func commonBits(_ a: OutValue, _ b: OutValue) throws -> OutValue {
    let one = try scalar(1, like: a), shift = BitShiftOp(left: false)
    let x = try apply(shift, a, one), y = try apply(shift, b, one)
    let upper = try sub(try add(x, y), try apply(BitwiseXorOp(), x, y))
    let lastA = try sub(a, try add(x, x)), lastB = try sub(b, try add(y, y))
    return try add(upper, try mul(lastA, lastB))
  }
}
