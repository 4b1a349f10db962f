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
    guard let given = try inputs.required(1, of: self).integers()?.first else {
      throw ExecutionError(.invalidInput, "CumSum takes an axis")
    }
    return [try x.scanned(axis: given, exclusive: exclusive, reverse: reverse, start: 0, op: self, in: context, { $0 + $1 }, { $0 &+ $1 })]
  }
}
