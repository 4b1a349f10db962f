import ModelGraph
import ModelTensor

/// `x` at `indices` along `axis`; negative indices count from the end.
///
/// Result shape: `x.shape[..<axis] + indices.shape + x.shape[axis+1…]`.
public struct GatherOp: PrimitiveOp {
  public static let name = "Gather"
  public static let family = OpFamily.array
  public var axis: Int
  public init(axis: Int = 0) { self.axis = axis }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self), indices = try inputs.required(1, of: self)
    guard let dims = x.type.shape.dims, let picked = indices.type.shape.dims else { return [TensorType(x.type.dtype, .unranked)] }
    let axis = try indexedAxis(axis, rank: dims.count)
    guard axis < dims.count else { throw GraphError(.shapeMismatch, "Gather from a scalar") }
    return [TensorType(x.type.dtype, .ranked(Array(dims[..<axis]) + picked + dims[(axis + 1)...]))]
  }
  public func inferElements(_ inputs: [Fact?]) -> [[Dim]?] {
    guard let elements = inputs.first??.elements, inputs.first??.type.shape.rank == 1, inputs.count == 2,
      let indices = inputs[1]?.integers, inputs[1]?.type.shape.rank ?? 2 <= 1
    else { return [nil] }
    var result: [Dim] = []
    for index in indices {
      let place = index < 0 ? index + elements.count : index
      guard elements.indices.contains(place) else { return [nil] }
      result.append(elements[place])
    }
    return [result]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self), picked = try inputs.required(1, of: self)
    let axis = try indexedAxis(axis, rank: x.rank)
    guard axis < x.rank, let indices = picked.integers() else {
      throw ExecutionError(.invalidInput, "Gather of \(x.type) at \(picked.type)")
    }
    let extent = x.shape[axis]
    let places = try indices.map { index in
      let place = index < 0 ? index &+ extent : index
      guard place >= 0, place < extent else { throw ExecutionError(.invalidValue, "Gather: index \(index) of \(extent)") }
      return place
    }
    let shape = Array(x.shape[..<axis]) + picked.shape + x.shape[(axis + 1)...]
    let outer = x.shape[..<axis].reduce(1, *), inner = x.shape[(axis + 1)...].reduce(1, *)
    if x.dtype == .string {
      let strings = x.strings
      var out: [[UInt8]] = []
      for o in 0..<outer { for place in places { out += strings[((o * extent + place) * inner)..<((o * extent + place + 1) * inner)] } }
      return [NDArray(strings: out, shape)]
    }
    let result = try context.allocate(x.dtype, shape)
    let run = inner * (x.dtype.arrayStride ?? 1)
    x.withBytes { source in
      result.withMutableBytes { destination in
        guard let from = source.baseAddress, var to = destination.baseAddress, run > 0 else { return }
        for o in 0..<outer {
          for place in places {
            to.copyMemory(from: from + (o * extent + place) * run, byteCount: run)
            to += run
          }
        }
      }
    }
    return [result]
  }
}
