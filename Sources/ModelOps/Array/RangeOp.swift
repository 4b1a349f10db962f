import ModelGraph
import ModelTensor

/// `start, start + delta, …` up to but without `limit`. Inputs: three scalars of one dtype.
public struct RangeOp: PrimitiveOp {
  public static let name = "Range"
  public static let family = OpFamily.array
  public init() {}
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let start = try inputs.required(0, of: self)
    if let elements = inferElements(inputs)[0] { return [TensorType(start.type.dtype, [elements.count])] }
    if start.type.dtype.isInteger, let a = start.integers?.first, let b = try inputs.required(1, of: self).integers?.first,
      let d = try inputs.required(2, of: self).integers?.first
    {
      return [TensorType(start.type.dtype, .ranked([Self.count(a, b, d, of: start.type.dtype).map(Dim.fixed) ?? .unknown]))]
    }
    if let a = start.scalar, let b = try inputs.required(1, of: self).scalar, let d = try inputs.required(2, of: self).scalar,
      d != 0, let n = Int(exactly: max(0, ((b - a) / d).rounded(.up)))
    {
      return [TensorType(start.type.dtype, [n])]
    }
    // As long as an axis whose extent is not known.
    if start.scalar == 0, try inputs.required(2, of: self).scalar == 1, let dim = try inputs.required(1, of: self).elements?.first {
      return [TensorType(start.type.dtype, .ranked([dim]))]
    }
    return [TensorType(start.type.dtype, .ranked([.unknown]))]
  }
  public func inferElements(_ inputs: [Fact?]) -> [[Dim]?] {
    guard inputs.count == 3, let a = inputs[0]?.integers?.first, let b = inputs[1]?.integers?.first,
      let d = inputs[2]?.integers?.first, d != 0, a.magnitude < 1 << 40, b.magnitude < 1 << 40, d.magnitude < 1 << 40
    else { return [nil] }
    let count = max(0, d > 0 ? (b - a + d - 1) / d : (b - a + d + 1) / d)
    guard count <= Fact.elementLimit else { return [nil] }
    return [(0..<count).map { .fixed(a + $0 * d) }]
  }
  /// How many numbers there are, from the whole 64 bits of an integer dtype; `nil` for a step of zero and more than an `Int` counts.
  private static func count(_ start: Int, _ limit: Int, _ delta: Int, of dtype: DType) -> Int? {
    guard delta != 0 else { return nil }
    let isUnsigned = dtype == .uint64, rises = isUnsigned || delta > 0
    let turn = isUnsigned ? Int.min : 0
    guard rises ? start ^ turn < limit ^ turn : start > limit else { return 0 }
    let distance = UInt(bitPattern: rises ? limit &- start : start &- limit)
    let step = isUnsigned ? UInt(bitPattern: delta) : delta.magnitude
    return Int(exactly: (distance - 1) / step).flatMap { $0 == .max ? nil : $0 + 1 }
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let start = try inputs.required(0, of: self), limit = try inputs.required(1, of: self), delta = try inputs.required(2, of: self)
    guard start.count == 1, limit.count == 1, delta.count == 1 else { throw ExecutionError(.invalidInput, "Range takes scalars") }
    if let a = start.integers()?.first, let b = limit.integers()?.first, let d = delta.integers()?.first {
      guard let count = Self.count(a, b, d, of: start.dtype), count <= 1 << 32 else {
        throw ExecutionError(.invalidValue, "Range from \(a) to \(b) by \(d)")
      }
      try context.demand(.int64, [count])
      return [try NDArray((0..<count).map { Int64(a &+ $0 &* d) }, [count]).cast(to: start.dtype, in: context)]
    }
    let a = start.doubles()[0], b = limit.doubles()[0], d = delta.doubles()[0]
    let length = d == 0 ? .nan : ((b - a) / d).rounded(.up)
    guard let count = Int(exactly: max(0, length)), count <= 1 << 32 else {
      throw ExecutionError(.invalidValue, "Range from \(a) to \(b) by \(d)")
    }
    try context.demand(.float64, [count])
    if start.dtype == .float32 {
      return [NDArray((0..<count).map { Float(a) + Float($0) * Float(d) }, [count])]
    }
    return [try NDArray((0..<count).map { a + Double($0) * d }, [count]).cast(to: start.dtype, in: context)]
  }
}
