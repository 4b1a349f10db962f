import ModelGraph
import ModelTensor

/// Running products along `axis` (scalar input).
public struct CumProdOp: PrimitiveOp {
  public static let name = "CumProd"
  public static let family = OpFamily.reduction
  public var exclusive: Bool
  public var reverse: Bool
  public init(exclusive: Bool = false, reverse: Bool = false) {
    self.exclusive = exclusive
    self.reverse = reverse
  }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] { [try inputs.required(0, of: self).type.unquantized] }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    guard let given = try inputs.required(1, of: self).integers()?.first else {
      throw ExecutionError(.invalidInput, "CumProd takes an axis")
    }
    return [try x.scanned(axis: given, exclusive: exclusive, reverse: reverse, start: 1, op: self, in: context, { $0 * $1 }, { $0 &* $1 })]
  }
}

extension NDArray {
  /// What `combine` makes of the elements so far, along an axis: integers wrap, floats are computed in double precision.
  func scanned(
    axis: Int, exclusive: Bool, reverse: Bool, start: Int, op: any Op, in context: ExecutionContext,
    _ combine: (Double, Double) -> Double, _ combineIntegers: (Int, Int) -> Int
  ) throws -> NDArray {
    let axis = try normalizeAxis(axis, rank: rank)
    guard dtype.isFloatingPoint || dtype.isInteger else { throw op.noKernel(dtype) }
    let view = AxisView(shape, axis: axis)
    func scan<T>(_ values: [T], _ start: T, _ combine: (T, T) -> T) -> [T] {
      var values = values
      view.forEachLine { base, step in
        var sum = start
        for j in 0..<view.extent {
          let place = base + (reverse ? view.extent - 1 - j : j) * step
          let next = combine(sum, values[place])
          values[place] = exclusive ? sum : next
          sum = next
        }
      }
      return values
    }
    if let whole = integers() {
      return try NDArray(scan(whole, start, combineIntegers).map(Int64.init), shape).cast(to: dtype, in: context)
    }
    return try NDArray(scan(doubles(), Double(start), combine), shape).cast(to: dtype, in: context)
  }
}
