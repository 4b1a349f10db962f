import ModelGraph
import ModelTensor

/// Running sums along `axis` (scalar input).
public struct CumSumOp: PrimitiveOp {
  public static let name = "CumSum"
  public static let family = OpFamily.reduction
  public var exclusive: Bool
  public var reverse: Bool
  public init(exclusive: Bool = false, reverse: Bool = false) {
    self.exclusive = exclusive
    self.reverse = reverse
  }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] { [try inputs.required(0, of: self).type] }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    guard let given = try inputs.required(1, of: self).integers()?.first else { throw ExecutionError(.invalidInput, "CumSum takes an axis") }
    let view = AxisView(x.shape, axis: try normalizeAxis(given, rank: x.rank))
    var values = x.doubles()
    view.forEachLine { base, step in
      var sum = 0.0
      for j in 0..<view.extent {
        let place = base + (reverse ? view.extent - 1 - j : j) * step
        let value = values[place]
        values[place] = exclusive ? sum : sum + value
        sum += value
      }
    }
    return [try NDArray(values, x.shape).cast(to: x.dtype, in: context)]
  }
}
