import ModelGraph
import ModelTensor
import RealModule

/// `exp(x) / Σ exp(x)` along `axis`.
public struct SoftmaxOp: PreparedOp {
  public static let name = "Softmax"
  public static let family = OpFamily.activation
  public var axis: Int
  public init(axis: Int = -1) { self.axis = axis }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] { [try inputs.required(0, of: self).type.unquantized] }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext, memo: KernelMemo?, into results: inout [NDArray]) throws {
    results.append(try softmaxRows(try inputs.required(0, of: self), axis: axis, log: false, op: self, in: context))
  }
}

/// `x − log Σ exp(x)` along `axis`.
public struct LogSoftmaxOp: PreparedOp {
  public static let name = "LogSoftmax"
  public static let family = OpFamily.activation
  public var axis: Int
  public init(axis: Int = -1) { self.axis = axis }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] { [try inputs.required(0, of: self).type.unquantized] }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext, memo: KernelMemo?, into results: inout [NDArray]) throws {
    results.append(try softmaxRows(try inputs.required(0, of: self), axis: axis, log: true, op: self, in: context))
  }
}

/// 1 at the first largest element along `axis`, 0 elsewhere.
public struct HardmaxOp: PrimitiveOp {
  public static let name = "Hardmax"
  public static let family = OpFamily.activation
  public var axis: Int
  public init(axis: Int = -1) { self.axis = axis }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] { [try inputs.required(0, of: self).type.unquantized] }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    let axis = try normalizeAxis(self.axis, rank: x.rank)
    let view = AxisView(x.shape, axis: axis)
    let values = x.doubles()
    var out = [Double](repeating: 0, count: x.count)
    view.forEachLine { base, step in
      var best = 0
      for i in 1..<max(1, view.extent) where values[base + i * step] > values[base + best * step] { best = i }
      if view.extent > 0 { out[base + best * step] = 1 }
    }
    return [try NDArray(out, x.shape).cast(to: x.dtype, in: context)]
  }
}

/// The lines along one axis of a dense array.
struct AxisView {
  let outer: Int, extent: Int, inner: Int
  init(_ shape: [Int], axis: Int) {
    outer = shape[..<min(axis, shape.count)].reduce(1, *)
    extent = axis < shape.count ? shape[axis] : 1
    inner = axis < shape.count ? shape[(axis + 1)...].reduce(1, *) : 1
  }
  func forEachLine(_ body: (_ base: Int, _ step: Int) -> Void) {
    for o in 0..<outer { for i in 0..<inner { body(o * extent * inner + i, inner) } }
  }
}

private func softmaxRows(_ x: NDArray, axis: Int, log: Bool, op: any Op, in context: ExecutionContext) throws -> NDArray {
  guard x.dtype.isFloatingPoint else { throw op.noKernel(x.dtype) }
  if x.count == 0 { return x }
  let axis = try normalizeAxis(axis, rank: x.rank)
  if x.dtype == .float64 {
    let view = AxisView(x.shape, axis: axis)
    let result = try context.allocate(.float64, x.shape)
    x.with(Double.self) { source in
      result.withMutable(Double.self) { y in
        view.forEachLine { base, step in
          var largest = -Double.infinity, sum = 0.0
          for i in 0..<view.extent { largest = Swift.max(largest, source[base + i * step]) }
          for i in 0..<view.extent { sum += Double.exp(source[base + i * step] - largest) }
          for i in 0..<view.extent {
            let shifted = source[base + i * step] - largest
            y[base + i * step] = log ? shifted - Double.log(sum) : Double.exp(shifted) / sum
          }
        }
      }
    }
    return result
  }
  if x.dtype != .float32 {
    return try softmaxRows(try x.cast(to: .float32, in: context), axis: axis, log: log, op: op, in: context)
      .cast(to: x.dtype, in: context)
  }
  if axis != x.rank - 1, x.rank > 0 {
    // Rows must be contiguous: swap the axis to the end and back.
    var order = Array(0..<x.rank)
    order.swapAt(axis, x.rank - 1)
    let swapped = try TransposeOp(permutation: order).evaluate([x], in: context)[0]
    let rows = try softmaxRows(swapped, axis: x.rank - 1, log: log, op: op, in: context)
    return try TransposeOp(permutation: order).evaluate([rows], in: context)[0]
  }
  let result = try context.allocate(.float32, x.shape)
  let count = x.shape.last ?? 1
  x.with(Float.self) { source in
    result.withMutable(Float.self) { y in
      guard let from = source.baseAddress, let to = y.baseAddress else { return }
      context.primitives.softmax(from, to, rows: x.count / count, count: count, log: log)
    }
  }
  return result
}
