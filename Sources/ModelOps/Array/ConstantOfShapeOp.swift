import ModelGraph
import ModelTensor

/// A tensor of the shape given (int64 vector) filled with `value` (one element).
public struct ConstantOfShapeOp: PrimitiveOp {
  public static let name = "ConstantOfShape"
  public static let family = OpFamily.array
  public var value: NDArray
  public init(value: NDArray) { self.value = value }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let shape = try inputs.required(0, of: self)
    if let elements = shape.elements { return [TensorType(value.dtype, .ranked(elements))] }
    guard let rank = shape.type.shape.dims?.first?.value, rank <= 64 else { return [TensorType(value.dtype, .unranked)] }
    return [TensorType(value.dtype, .ranked(Array(repeating: .unknown, count: rank)))]
  }
  public func inferElements(_ inputs: [Fact?]) -> [[Dim]?] {
    guard let count = inputs.first??.integers, count.count == 1, (0...Fact.elementLimit).contains(count[0]),
      let element = value.integers()?.first
    else { return [nil] }
    return [Array(repeating: .fixed(element), count: count[0])]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    guard let shape = try inputs.required(0, of: self).integers(), shape.allSatisfy({ $0 >= 0 }),
      checkedProduct(shape) != nil, value.count == 1
    else { throw ExecutionError(.invalidValue, "ConstantOfShape takes a shape") }
    var view = StridedView(value.reshaped([]))
    view.shape = shape
    view.steps = shape.map { _ in 0 }
    return [try view.copy(in: context)]
  }
}
