import ModelGraph
import ModelTensor
import RealModule

public enum ReductionKind: String, Sendable, CaseIterable, AttributeConvertible {
  case sum, mean, max, min, prod, sumSquare, l1, l2, logSum, logSumExp, any, all
  public var attributeValue: AttributeValue { .string(rawValue) }
}

/// Combines the elements along `axes` (all of them when `nil`).
///
/// Inputs: `x`, and optionally the axes as an int64 vector. An empty list of axes reduces all, or with
/// `noopWithEmptyAxes` nothing. Reducing nothing gives the neutral element.
public struct ReduceOp: PreparedOp {
  public static let name = "Reduce"
  public static let family = OpFamily.reduction
  public var kind: ReductionKind
  public var axes: [Int]?
  public var keepDims: Bool
  public var noopWithEmptyAxes: Bool
  public init(_ kind: ReductionKind, axes: [Int]? = nil, keepDims: Bool = true, noopWithEmptyAxes: Bool = false) {
    self.kind = kind
    self.axes = axes
    self.keepDims = keepDims
    self.noopWithEmptyAxes = noopWithEmptyAxes
  }

  func reduced(_ given: [Int]?, rank: Int) throws -> Set<Int> {
    let list = given ?? axes ?? []
    if list.isEmpty { return noopWithEmptyAxes ? [] : Set(0..<rank) }
    let places = Set(try list.map { try normalizeAxis($0, rank: rank) })
    // A scalar has no axis, whatever is said of its first.
    return rank == 0 ? [] : places
  }

  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self)
    guard let dims = x.type.shape.dims else { return [TensorType(x.type.dtype, .unranked)] }
    let given = inputs.optional(1)
    if let given, given.integers == nil {
      return [TensorType(x.type.dtype, keepDims ? .ranked(dims.map { _ in .unknown }) : .unranked)]
    }
    let dropped = try reduced(given?.integers, rank: dims.count)
    let result =
      keepDims
      ? dims.indices.map { dropped.contains($0) ? .fixed(1) : dims[$0] }
      : dims.indices.filter { !dropped.contains($0) }.map { dims[$0] }
    return [TensorType(x.type.dtype, .ranked(result))]
  }
  public func inferElements(_ inputs: [Fact?]) -> [[Dim]?] {
    guard kind == .prod || kind == .max || kind == .min || kind == .sum, inputs.first??.elements != nil,
      inputs.first??.type.shape.rank == 1, let given = inputs.optional(1).map({ $0.integers }) ?? axes ?? [],
      !(given.isEmpty && noopWithEmptyAxes)
    else { return [nil] }
    // One number, whether it is known or not.
    guard let values = inputs.first??.integers else { return [[.unknown]] }
    switch kind {
    case .prod: return [checkedProduct(values).map { [.fixed($0)] }]
    case .max: return [values.max().map { [.fixed($0)] }]
    case .min: return [values.min().map { [.fixed($0)] }]
    default: return [[.fixed(values.reduce(0, &+))]]
    }
  }

  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext, memo: KernelMemo?, into results: inout [NDArray]) throws {
    let x = try inputs.required(0, of: self)
    let plan = try memo.prepared(inputs, vectors: 1..<2) { try Plan(self, x, axes: inputs.optional(1)?.integers()) }
    results.append(try evaluate(x, plan, in: context))
  }

  /// What is reduced of one shape.
  private struct Plan {
    let shape: [Int]
    /// Nothing to do.
    let isIdentity: Bool
    /// Reduced axes last, so that each result is a run; `nil` where they are.
    let order: [Int]?
    let rows: Int, count: Int
    /// `[outer, count, inner]` where the axes stand next to each other; those of extent 1 may stand anywhere.
    let dense: (outer: Int, count: Int, inner: Int)?

    init(_ op: ReduceOp, _ x: NDArray, axes given: [Int]?) throws {
      let dropped = try op.reduced(given, rank: x.rank)
      let kept = x.shape.indices.filter { !dropped.contains($0) }
      shape = op.keepDims ? x.shape.indices.map { dropped.contains($0) ? 1 : x.shape[$0] } : kept.map { x.shape[$0] }
      isIdentity = dropped.isEmpty
      let order = kept + dropped.sorted()
      self.order = order == Array(0..<x.rank) ? nil : order
      rows = kept.map { x.shape[$0] }.reduce(1, *)
      count = dropped.map { x.shape[$0] }.reduce(1, *)
      let axes = dropped.filter { x.shape[$0] != 1 }.sorted()
      if x.count > 0, let first = axes.first, let last = axes.last,
        !(first...last).contains(where: { x.shape[$0] != 1 && !dropped.contains($0) })
      {
        dense = (x.shape[..<first].reduce(1, *), x.shape[first...last].reduce(1, *), x.shape[(last + 1)...].reduce(1, *))
      } else {
        dense = nil
      }
    }
  }

  private func evaluate(_ x: NDArray, _ plan: Plan, in context: ExecutionContext) throws -> NDArray {
    if plan.isIdentity, kind == .sum || kind == .mean || kind == .max || kind == .min || kind == .prod { return x }
    if let fast = try reduceDense(x, plan, in: context) { return fast }
    let (rows, count, shape) = (plan.rows, plan.count, plan.shape)
    let dense = try plan.order.map { try StridedView(x).permuted($0).copy(in: context) } ?? x
    switch x.dtype {
    case .float32:
      let result = try context.allocate(.float32, shape)
      dense.with(Float.self) { a in
        result.withMutable(Float.self) { y in
          for row in 0..<rows { y[row] = Float(reduce(count) { Double(a[row * count + $0]) }) }
        }
      }
      return result
    case .int64, .int32, .uint32, .int8, .uint8, .int16, .uint16, .bool, .uint64:
      guard let values = dense.integers() else { throw noKernel(x.dtype) }
      let out = (0..<rows).map { row in Int64(reduceIntegers(values[(row * count)..<((row + 1) * count)], of: x.dtype)) }
      return try NDArray(out, shape).cast(to: x.dtype, in: context)
    default:
      guard x.dtype.isFloatingPoint else { throw noKernel(x.dtype) }
      let values = dense.doubles()
      let out = (0..<rows).map { row in reduce(count) { values[row * count + $0] } }
      return try NDArray(out, shape).cast(to: x.dtype, in: context)
    }
  }

  /// Float32 along axes that stand next to each other goes to the primitive.
  private func reduceDense(_ x: NDArray, _ plan: Plan, in context: ExecutionContext) throws -> NDArray? {
    let function: ReductionFunction
    switch kind {
    case .sum, .mean: function = .sum
    case .max: function = .maximum
    case .min: function = .minimum
    case .sumSquare, .l2: function = .sumSquare
    case .prod, .l1, .logSum, .logSumExp, .any, .all: return nil
    }
    guard x.dtype == .float32, let (outer, count, inner) = plan.dense else { return nil }
    let result = try context.allocate(.float32, plan.shape)
    x.with(Float.self) { source in
      result.withMutable(Float.self) { y in
        guard let from = source.baseAddress, let to = y.baseAddress else { return }
        context.primitives.reduce(function, from, to, outer: outer, count: count, inner: inner)
        if kind == .mean { for i in y.indices { y[i] /= Float(count) } }
        if kind == .l2 { for i in y.indices { y[i] = y[i].squareRoot() } }
      }
    }
    return result
  }

  @inline(__always)
  private func reduce(_ count: Int, _ x: (Int) -> Double) -> Double {
    var result = 0.0
    switch kind {
    case .sum, .mean, .logSum:
      for i in 0..<count { result += x(i) }
      if kind == .mean { result /= Double(count) }
      if kind == .logSum { result = Double.log(result) }
    case .prod:
      result = 1
      for i in 0..<count { result *= x(i) }
    case .max:
      result = -.infinity
      for i in 0..<count { let v = x(i); if v > result || v.isNaN { result = v } }
    case .min:
      result = .infinity
      for i in 0..<count { let v = x(i); if v < result || v.isNaN { result = v } }
    case .sumSquare, .l2:
      for i in 0..<count { let v = x(i); result += v * v }
      if kind == .l2 { result = result.squareRoot() }
    case .l1: for i in 0..<count { result += abs(x(i)) }
    case .logSumExp:
      var largest = -Double.infinity
      for i in 0..<count { largest = Swift.max(largest, x(i)) }
      guard largest.isFinite else { return largest }
      for i in 0..<count { result += Double.exp(x(i) - largest) }
      result = largest + Double.log(result)
    case .any: for i in 0..<count where x(i) != 0 { result = 1 }
    case .all:
      result = 1
      for i in 0..<count where x(i) == 0 { result = 0 }
    }
    return result
  }

  /// Sums and products wrap; elements of uint64 come and go as their bits.
  private func reduceIntegers(_ x: ArraySlice<Int>, of dtype: DType) -> Int {
    let unsigned = dtype == .uint64, width = dtype == .bool ? 1 : dtype.bitWidth ?? 64
    let bounds =
      dtype.isSignedInteger
      ? (lowest: Int.min >> (64 - width), highest: Int.max >> (64 - width))
      : (lowest: 0, highest: Int(bitPattern: UInt.max >> UInt(64 - width)))
    func less(_ a: Int, _ b: Int) -> Bool { unsigned ? UInt(bitPattern: a) < UInt(bitPattern: b) : a < b }
    switch kind {
    case .sum: return x.reduce(0, &+)
    case .prod: return x.reduce(1, &*)
    case .max: return x.max(by: less) ?? bounds.lowest
    case .min: return x.min(by: less) ?? bounds.highest
    case .sumSquare: return x.reduce(0) { $0 &+ $1 &* $1 }
    case .any: return x.contains { $0 != 0 } ? 1 : 0
    case .all: return x.allSatisfy { $0 != 0 } ? 1 : 0
    case .mean:
      let sum = x.reduce(0, &+)
      if unsigned, !x.isEmpty { return Int(bitPattern: UInt(bitPattern: sum) / UInt(x.count)) }
      return x.isEmpty ? 0 : sum / x.count
    case .l1: return x.reduce(0) { $0 &+ (unsigned ? $1 : Int(truncatingIfNeeded: $1.magnitude)) }
    case .l2, .logSum, .logSumExp:
      let values = x.map { unsigned ? Double(UInt(bitPattern: $0)) : Double($0) }
      let real = reduce(values.count) { values[$0] }
      return unsigned ? Int(bitPattern: UInt(truncatingDouble: real)) : Int(truncatingDouble: real)
    }
  }
}
