import ModelGraph
import ModelTensor

/// Joins tensors of one dtype along `axis`; the other extents agree.
public struct ConcatOp: PrimitiveOp {
  public static let name = "Concat"
  public static let family = OpFamily.array
  public var axis: Int
  public init(axis: Int) { self.axis = axis }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let first = try inputs.required(0, of: self)
    guard var dims = first.type.shape.dims else { return [TensorType(first.type.dtype, .unranked)] }
    let axis = try indexedAxis(axis, rank: dims.count)
    guard axis < dims.count else { throw GraphError(.shapeMismatch, "Concat of scalars") }
    var total: Int? = 0
    for index in inputs.indices {
      let fact = try inputs.required(index, of: self)
      guard fact.type.dtype == first.type.dtype else { throw GraphError(.wrongDType, "Concat of \(first.type) and \(fact.type)") }
      guard let other = fact.type.shape.dims else { return [TensorType(first.type.dtype, .ranked(dims.map { _ in .unknown }))] }
      guard other.count == dims.count else { throw GraphError(.shapeMismatch, "Concat of \(first.type) and \(fact.type)") }
      for i in dims.indices where i != axis {
        if let a = dims[i].value, let b = other[i].value {
          guard a == b else { throw GraphError(.shapeMismatch, "Concat along axis \(axis) of \(first.type) and \(fact.type)") }
        } else if dims[i].value == nil, other[i].value != nil || dims[i] == .unknown {
          dims[i] = other[i]
        }
      }
      total = total.flatMap { sum in
        other[axis].value.flatMap { sum.addingReportingOverflow($0).overflow ? nil : sum + $0 }
      }
    }
    if inputs.count > 1 { dims[axis] = total.map(Dim.fixed) ?? .unknown }
    return [TensorType(first.type.dtype, .ranked(dims))]
  }
  public func inferElements(_ inputs: [Fact?]) -> [[Dim]?] {
    var result: [Dim] = []
    for input in inputs {
      guard let elements = input?.elements, input?.type.shape.rank == 1 else { return [nil] }
      result += elements
      guard result.count <= Fact.elementLimit else { return [nil] }
    }
    return [result]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let arrays = try inputs.indices.map { try inputs.required($0, of: self) }
    guard let first = arrays.first else { throw ExecutionError(.invalidInput, "Concat of nothing") }
    let axis = try indexedAxis(axis, rank: first.rank)
    var shape = first.shape
    guard axis < first.rank else { throw ExecutionError(.shapeMismatch, "Concat of scalars") }
    shape[axis] = 0
    for array in arrays {
      var other = array.shape
      guard array.dtype == first.dtype, other.count == shape.count else {
        throw ExecutionError(.shapeMismatch, "Concat of \(first.type) and \(array.type)")
      }
      let extent = other[axis]
      other[axis] = shape[axis]
      guard other == shape else { throw ExecutionError(.shapeMismatch, "Concat of \(first.type) and \(array.type)") }
      shape[axis] += extent
    }
    let outer = shape[..<axis].reduce(1, *), inner = shape[(axis + 1)...].reduce(1, *)
    if first.dtype == .string {
      let sources = arrays.map(\.strings)
      var out: [[UInt8]] = []
      for o in 0..<outer {
        for (array, strings) in zip(arrays, sources) {
          let run = array.shape[axis] * inner
          out += strings[(o * run)..<((o + 1) * run)]
        }
      }
      return [NDArray(strings: out, shape)]
    }
    let result = try context.allocate(first.dtype, shape)
    let size = first.dtype.arrayStride ?? 1
    let row = shape[axis] * inner * size
    result.withMutableBytes { destination in
      guard let to = destination.baseAddress else { return }
      var start = 0
      for array in arrays {
        let run = array.shape[axis] * inner * size
        array.withBytes { source in
          guard let from = source.baseAddress, run > 0 else { return }
          for o in 0..<outer { (to + o * row + start).copyMemory(from: from + o * run, byteCount: run) }
        }
        start += run
      }
    }
    return [result]
  }
}
