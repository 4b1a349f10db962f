import ModelGraph
import ModelTensor

/// The indices of the elements that are not zero, as int64 `[rank, count]`.
public struct NonZeroOp: PrimitiveOp {
  public static let name = "NonZero"
  public static let family = OpFamily.array
  public init() {}
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let rank = try inputs.required(0, of: self).type.shape.rank
    return [TensorType(.int64, .ranked([rank.map(Dim.fixed) ?? .unknown, .unknown]))]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    let places = x.doubles().enumerated().filter { $0.element != 0 }.map(\.offset)
    var out = [Int64](repeating: 0, count: x.rank * places.count)
    for (column, place) in places.enumerated() {
      var rest = place
      for axis in x.shape.indices.reversed() {
        out[axis * places.count + column] = Int64(rest % x.shape[axis])
        rest /= x.shape[axis]
      }
    }
    return [NDArray(out, [x.rank, places.count])]
  }
}
