import ModelGraph
import ModelTensor

/// `[Π extents before axis, Π extents from axis on]`.
public struct FlattenOp: PrimitiveOp {
  public static let name = "Flatten"
  public static let family = OpFamily.array
  public var axis: Int
  public init(axis: Int = 1) { self.axis = axis }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self)
    guard let dims = x.type.shape.dims else { return [TensorType(x.type.dtype, .ranked([.unknown, .unknown]))] }
    let axis = axis < 0 ? axis + dims.count : axis
    guard (0...dims.count).contains(axis) else { throw GraphError(.invalidAttribute, "Flatten at axis \(axis) of rank \(dims.count)") }
    func product(_ part: ArraySlice<Dim>) -> Dim {
      if let extents = Shape.ranked(Array(part)).elementCount { return .fixed(extents) }
      let open = part.filter { $0 != .fixed(1) }
      return open.count == 1 ? open[open.startIndex] : .unknown
    }
    return [TensorType(x.type.dtype, .ranked([product(dims[..<axis]), product(dims[axis...])]))]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    let axis = axis < 0 ? axis + x.rank : axis
    guard (0...x.rank).contains(axis) else { throw ExecutionError(.invalidValue, "Flatten at axis \(axis) of rank \(x.rank)") }
    return [x.reshaped([x.shape[..<axis].reduce(1, *), x.shape[axis...].reduce(1, *)])]
  }
}

extension FlattenOp: SpelledOp {
  /// A reshape: to extents that are known, else to those before the axis, multiplied, and the rest.
  public func spelled<C: OpContext>(_ inputs: [C.Value?], in context: inout C) throws -> [C.Value]? {
    guard let x = inputs.first ?? nil, let rank = context.type(of: x).shape.rank else { return nil }
    let axis = axis < 0 ? axis + rank : axis
    let extents = try infer([context.fact(of: x)])[0].shape.dims?.map(\.value) ?? []
    if extents.count == 2, !extents.contains(nil) {
      return [try context.apply(ReshapeOp(allowZero: true), x, try context.ints(extents.compactMap { $0 }))]
    }
    guard axis > 1 else { return [try context.reshape(x, [axis == 0 ? 1 : 0, -1])] }
    let leading = try context.apply(ShapeOp(start: 0, end: axis), x), rest = try context.ints([-1])
    let first = try context.reduce(.prod, leading, axes: [0], keepDims: true)
    return [try context.reshape(x, to: try context.concat([first, rest], axis: 0))]
  }
}
