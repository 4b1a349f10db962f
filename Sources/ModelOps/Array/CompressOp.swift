import ModelGraph
import ModelTensor

/// The slices along `axis` (elements of the flattened `x` without one) whose entry in the condition is true; what the
/// condition is too short for is dropped. Inputs: `x`, `condition` (bool vector).
public struct CompressOp: PrimitiveOp {
  public static let name = "Compress"
  public static let family = OpFamily.array
  public var axis: Int?
  public init(axis: Int? = nil) { self.axis = axis }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self).type
    guard let axis else { return [TensorType(x.dtype, .ranked([.unknown]))] }
    guard var dims = x.shape.dims else { return [TensorType(x.dtype, .unranked)] }
    let place = try indexedAxis(axis, rank: dims.count)
    guard place < dims.count else { throw GraphError(.shapeMismatch, "Compress of \(x)") }
    dims[place] = .unknown
    return [TensorType(x.dtype, .ranked(dims))]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    var x = try inputs.required(0, of: self)
    if axis == nil { x = x.reshaped([x.count]) }
    let place = try normalizeAxis(axis ?? 0, rank: x.rank)
    guard place < x.rank, let flags = try inputs.required(1, of: self).integers() else {
      throw ExecutionError(.shapeMismatch, "Compress of \(x.type)")
    }
    let view = AxisView(x.shape, axis: place)
    let kept = flags.indices.filter { flags[$0] != 0 && $0 < view.extent }
    guard flags.indices.allSatisfy({ flags[$0] == 0 || $0 < view.extent }) else {
      throw ExecutionError(.invalidValue, "Compress: a condition of \(flags.count) for \(view.extent) slices")
    }
    var shape = x.shape
    shape[place] = kept.count
    let places = (0..<view.outer).flatMap { o in kept.map { o * view.extent + $0 } }
    return [try x.reshaped([x.count]).picking(places, run: view.inner, shape: shape, in: context)]
  }
}
