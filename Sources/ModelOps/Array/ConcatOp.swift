import ModelGraph
import ModelTensor

/// Joins tensors of one dtype along `axis`; the other extents agree.
public struct ConcatOp: PreparedOp {
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
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext, memo: KernelMemo?, into results: inout [NDArray]) throws {
    let first = try inputs.required(0, of: self), plan = try memo.prepared(inputs) { try Plan(self, inputs) }
    if first.dtype == .string {
      results.append(try joinStrings(inputs, plan))
      return
    }
    let result = try context.allocate(first.dtype, plan.shape)
    let size = first.dtype.arrayStride ?? 1
    let row = plan.shape[plan.axis] * plan.inner * size
    result.withMutableBytes { destination in
      guard let to = destination.baseAddress else { return }
      var start = 0
      for array in inputs {
        guard let array else { continue }
        let run = array.shape[plan.axis] * plan.inner * size
        array.withBytes { source in
          guard let from = source.baseAddress, run > 0 else { return }
          for o in 0..<plan.outer { (to + o * row + start).copyMemory(from: from + o * run, byteCount: run) }
        }
        start += run
      }
    }
    results.append(result)
  }

  private struct Plan {
    let axis: Int, outer: Int, inner: Int
    let shape: [Int]

    init(_ op: ConcatOp, _ inputs: [NDArray?]) throws {
      let first = try inputs.required(0, of: op)
      axis = try indexedAxis(op.axis, rank: first.rank)
      guard axis < first.rank else { throw ExecutionError(.shapeMismatch, "Concat of scalars") }
      var shape = first.shape
      shape[axis] = 0
      for index in inputs.indices {
        let array = try inputs.required(index, of: op)
        var other = array.shape
        guard array.dtype == first.dtype, other.count == shape.count else {
          throw ExecutionError(.shapeMismatch, "Concat of \(first.type) and \(array.type)")
        }
        let extent = other[axis]
        other[axis] = shape[axis]
        guard other == shape else { throw ExecutionError(.shapeMismatch, "Concat of \(first.type) and \(array.type)") }
        shape[axis] += extent
      }
      self.shape = shape
      outer = shape[..<axis].reduce(1, *)
      inner = shape[(axis + 1)...].reduce(1, *)
    }
  }

  private func joinStrings(_ inputs: [NDArray?], _ plan: Plan) throws -> NDArray {
    let arrays = inputs.compactMap { $0 }, sources = arrays.map(\.strings)
    var out: [[UInt8]] = []
    for o in 0..<plan.outer {
      for (array, strings) in zip(arrays, sources) {
        let run = array.shape[plan.axis] * plan.inner
        out += strings[(o * run)..<((o + 1) * run)]
      }
    }
    return NDArray(strings: out, plan.shape)
  }
}
