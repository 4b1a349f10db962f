import ModelGraph
import ModelTensor

/// The index of the largest element along `axis`: the first, or with `selectLast` the last of equals.
public struct ArgMaxOp: PreparedOp {
  public static let name = "ArgMax"
  public static let family = OpFamily.reduction
  public var axis: Int
  public var keepDims: Bool
  public var selectLast: Bool
  public var dtype: DType
  public init(axis: Int = 0, keepDims: Bool = true, selectLast: Bool = false, dtype: DType = .int64) {
    self.axis = axis
    self.keepDims = keepDims
    self.selectLast = selectLast
    self.dtype = dtype
  }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    try inferArg(try inputs.required(0, of: self), axis, keepDims, dtype)
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext, memo: KernelMemo?, into results: inout [NDArray]) throws {
    let last = selectLast, x = try inputs.required(0, of: self)
    let plan = try memo.prepared(inputs) { try ArgPlan(x.shape, axis: axis, keepDims: keepDims) }
    results.append(
      try evaluateArg(x, plan, dtype, context, { last ? $0 >= $1 : $0 > $1 }, { last ? $0 >= $1 : $0 > $1 }))
  }
}

/// The index of the smallest element along `axis`: the first, or with `selectLast` the last of equals.
public struct ArgMinOp: PreparedOp {
  public static let name = "ArgMin"
  public static let family = OpFamily.reduction
  public var axis: Int
  public var keepDims: Bool
  public var selectLast: Bool
  public var dtype: DType
  public init(axis: Int = 0, keepDims: Bool = true, selectLast: Bool = false, dtype: DType = .int64) {
    self.axis = axis
    self.keepDims = keepDims
    self.selectLast = selectLast
    self.dtype = dtype
  }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    try inferArg(try inputs.required(0, of: self), axis, keepDims, dtype)
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext, memo: KernelMemo?, into results: inout [NDArray]) throws {
    let last = selectLast, x = try inputs.required(0, of: self)
    let plan = try memo.prepared(inputs) { try ArgPlan(x.shape, axis: axis, keepDims: keepDims) }
    results.append(
      try evaluateArg(x, plan, dtype, context, { last ? $0 <= $1 : $0 < $1 }, { last ? $0 <= $1 : $0 < $1 }))
  }
}

private func inferArg(_ x: Fact, _ axis: Int, _ keepDims: Bool, _ dtype: DType) throws -> [TensorType] {
  guard var dims = x.type.shape.dims else { return [TensorType(dtype, .unranked)] }
  let axis = try normalizeAxis(axis, rank: dims.count)
  guard axis < dims.count else { return [TensorType(dtype, [])] }
  if keepDims { dims[axis] = .fixed(1) } else { dims.remove(at: axis) }
  return [TensorType(dtype, .ranked(dims))]
}

/// The lines of one shape, and the shape of the result.
private struct ArgPlan {
  let shape: [Int]
  let view: AxisView
  init(_ extents: [Int], axis: Int, keepDims: Bool) throws {
    let axis = try normalizeAxis(axis, rank: extents.count)
    guard axis < extents.count, extents[axis] > 0 else {
      throw ExecutionError(.shapeMismatch, "ArgMax or ArgMin over nothing of \(extents)")
    }
    var shape = extents
    if keepDims { shape[axis] = 1 } else { shape.remove(at: axis) }
    self.shape = shape
    view = AxisView(extents, axis: axis)
  }
}

private func evaluateArg(
  _ x: NDArray, _ plan: ArgPlan, _ dtype: DType, _ context: ExecutionContext, _ better: (Double, Double) -> Bool,
  _ betterInteger: (Int, Int) -> Bool
) throws -> NDArray {
  let (shape, view) = (plan.shape, plan.view)
  if x.dtype == .float32, dtype == .int64 {
    let result = try context.allocate(.int64, shape)
    x.with(Float.self) { values in
      result.withMutable(Int64.self) { out in
        var place = 0
        view.forEachLine { base, step in
          var best = 0
          for i in 1..<max(1, view.extent) where better(Double(values[base + i * step]), Double(values[base + best * step])) { best = i }
          out[place] = Int64(best)
          place += 1
        }
      }
    }
    return result
  }
  var out: [Int64] = []
  // Doubles don't tell all integers of 64 bits apart.
  if let values = x.orderedIntegers() {
    view.forEachLine { base, step in
      var best = 0
      for i in 1..<max(1, view.extent) where betterInteger(values[base + i * step], values[base + best * step]) { best = i }
      out.append(Int64(best))
    }
    return try NDArray(out, shape).cast(to: dtype, in: context)
  }
  let values = x.doubles()
  view.forEachLine { base, step in
    var best = 0
    for i in 1..<max(1, view.extent) where better(values[base + i * step], values[base + best * step]) { best = i }
    out.append(Int64(best))
  }
  return try NDArray(out, shape).cast(to: dtype, in: context)
}
