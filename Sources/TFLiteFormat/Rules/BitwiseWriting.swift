import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// Operations on the bits of integers, of which LiteRT has the exclusive "or" and the shift to the right.
let bitwiseWriting: [WritingRule] = [
  .writes(BitwiseNotOp.self) { _, x, w in
    let x = try x.required(0)
    if x.dtype == .bool { return [try w.apply(LogicalNotOp(), x)] }
    return [try w.sub(try w.scalar(-1, like: x), x)]
  },
  .writes(BitwiseXorOp.self) { op, x, w in
    let type = try w.types(op, x)[0]
    return [try w.emit(.bitwiseXor, try w.alike(x.values.compactMap { $0 }, type), as: type)]
  },
  .writes(BitShiftOp.self) { op, x, w in
    let a = try x.required(0), b = try x.required(1), type = try w.types(op, x)[0]
    if op.left {
      // Multiplication by a power of two.
      let powers = try w.cast(try w.pow(try w.scalar(2, dtype: .float32), try w.cast(b, to: .float32)), to: a.dtype)
      return [try w.mul(a, powers)]
    }
    return [try w.emit(.rightShift, try w.alike([a, b], type), as: type)]
  },
  .writes(BitwiseAndOp.self) { op, x, w in
    let type = try w.types(op, x)[0], (a, b) = try w.asInt32(x, type)
    return [try w.cast(try w.commonBits(a, b), to: type.dtype)]
  },
  .writes(BitwiseOrOp.self) { op, x, w in
    // What one of them has, and what both have.
    let type = try w.types(op, x)[0], (a, b) = try w.asInt32(x, type)
    return [try w.cast(try w.add(try w.apply(BitwiseXorOp(), a, b), try w.commonBits(a, b)), to: type.dtype)]
  },
]

extension OperatorWriter {
  fileprivate mutating func asInt32(_ inputs: RuleInputs, _ type: TensorType) throws -> (OutValue, OutValue) {
    guard [.int32, .int16, .int8, .uint16, .uint8].contains(type.dtype) else { throw UnsupportedError("bits of \(type.dtype)") }
    return (try cast(try inputs.required(0), to: .int32), try cast(try inputs.required(1), to: .int32))
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
