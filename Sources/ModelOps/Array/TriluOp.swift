import ModelGraph
import ModelTensor

/// Keeps the upper (or lower) triangle of the last two axes, from diagonal `k` (scalar input, default 0); the rest is 0.
public struct TriluOp: PrimitiveOp {
  public static let name = "Trilu"
  public static let family = OpFamily.array
  public var upper: Bool
  public init(upper: Bool = true) { self.upper = upper }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] { [try inputs.required(0, of: self).type] }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    guard x.rank >= 2, x.dtype != .string else { throw ExecutionError(.shapeMismatch, "Trilu of \(x.type)") }
    let k = inputs.optional(1)?.integers()?.first ?? 0
    let rows = x.shape[x.rank - 2], columns = x.shape[x.rank - 1], size = x.dtype.arrayStride ?? 1
    let result = try context.allocate(x.dtype, x.shape)
    x.withBytes { source in
      result.withMutableBytes { destination in
        guard let from = source.baseAddress, let to = destination.baseAddress else { return }
        for place in 0..<x.count {
          let row = place / columns % max(rows, 1), column = place % columns
          let diagonal = column - row
          if upper ? diagonal >= k : diagonal <= k {
            (to + place * size).copyMemory(from: from + place * size, byteCount: size)
          } else {
            (to + place * size).initializeMemory(as: UInt8.self, repeating: 0, count: size)
          }
        }
      }
    }
    return [result]
  }
}
