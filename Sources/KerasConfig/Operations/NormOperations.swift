import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// Norms, determinants and inverses of `keras.ops.linalg` that other ops spell.
extension OperationRules {
  static let norms = OperationFamily(rules: normRules)

  private typealias Value = RecordingContext.Value

  private static let normRules: [OperationRule] = [
    OperationRule(.linalg, "Norm") { call, context in
      let x = try call.floating("x", in: &context), axes = try call.axes(rank: try context.rank(of: x)), keep = try call.bool("keepdims")
      guard let order = call.option("ord"), order != "fro" else { return try context.reduce(.l2, x, axes: axes, keepDims: keep) }
      switch axes.count {
      case 1:
        guard let power = order.doubleValue else { throw call.mismatch("ord", "a number") }
        return try vectorNorm(x, power, axis: axes[0], keep, in: &context)
      case 2: return try matrixNorm(x, order, axes, keep, call, in: &context)
      default: throw call.unsupported("its norm over \(axes.count) axes")
      }
    },
    OperationRule(
      .numpy, "Slogdet",
      many: { call, context in
        let x = try call.floating("x", in: &context), rank = try context.rank(of: x)
        guard rank >= 2, let extent = x.fact.type.shape.dims?.last?.value, extent <= 32 else {
          throw call.unsupported("of matrices of unknown or great size")
        }
        // The greatest of each row taken out, the determinant of the rest stays finite.
        let most = try context.reduce(.max, try context.apply(AbsOp(), x), axes: [rank - 1], keepDims: true)
        let one = try context.scalar(1, like: x), zero = try context.scalar(0, like: x)
        let scale = try context.select(try context.apply(GreaterOp(), most, zero), most, one)
        let rest = try context.apply(DetOp(), try context.div(x, scale))
        let logs = try context.reduce(.sum, try context.apply(LogOp(), scale), axes: [rank - 2, rank - 1])
        return [
          try context.apply(SignOp(), rest), try context.add(try context.apply(LogOp(), try context.apply(AbsOp(), rest)), logs),
        ]
      }),
    OperationRule(.linalg, "CholeskyInverse") { call, context in
      let x = try call.floating("x", in: &context), isUpper = try call.bool("upper")
      guard try context.rank(of: x) >= 2, let extent = x.fact.type.shape.dims?.last?.value, (1...64).contains(extent) else {
        throw call.unsupported("of matrices of unknown or great size")
      }
      var order = Array(0..<(try context.rank(of: x)))
      order.swapAt(order.count - 1, order.count - 2)
      let lower = isUpper ? try context.transpose(x, order) : x
      let inverse = try inverted(lower, 0..<extent, axis: order.count - 2, in: &context)
      return try context.matmul(inverse, inverse, transposeA: true)
    },
  ]

  /// The inverse of a lower triangular matrix's part on the diagonal, by halves: not every target solves triangular systems.
  private static func inverted(_ x: Value, _ part: Range<Int>, axis: Int, in context: inout RecordingContext) throws -> Value {
    func block(_ rows: Range<Int>, _ columns: Range<Int>) throws -> Value {
      try context.slice(
        try context.slice(x, axis: axis, start: rows.lowerBound, end: rows.upperBound), axis: axis + 1, start: columns.lowerBound,
        end: columns.upperBound)
    }
    if part.count == 1 { return try context.apply(ReciprocalOp(), try block(part, part)) }
    let middle = part.lowerBound + part.count / 2, first = part.lowerBound..<middle, second = middle..<part.upperBound
    let a = try inverted(x, first, axis: axis, in: &context), b = try inverted(x, second, axis: axis, in: &context)
    let corner = try context.apply(NegOp(), try context.matmul(try context.matmul(b, try block(second, first)), a))
    var sides = Array(repeating: 0, count: axis + 1)
    sides.append(second.count)
    return try context.concat(
      [try context.pad(a, before: sides.map { _ in 0 }, after: sides), try context.concat([corner, b], axis: axis + 1)], axis: axis)
  }

  static func vectorNorm(
    _ x: RecordingContext.Value, _ power: Double, axis: Int, _ keep: Bool, in context: inout RecordingContext
  ) throws -> RecordingContext.Value {
    switch power {
    case 2: return try context.reduce(.l2, x, axes: [axis], keepDims: keep)
    case 1: return try context.reduce(.l1, x, axes: [axis], keepDims: keep)
    case .infinity: return try context.reduce(.max, try context.apply(AbsOp(), x), axes: [axis], keepDims: keep)
    case -.infinity: return try context.reduce(.min, try context.apply(AbsOp(), x), axes: [axis], keepDims: keep)
    case 0:
      let isThere = try context.apply(NotEqualOp(), x, try context.scalar(0, like: x))
      return try context.reduce(.sum, try context.cast(isThere, to: x.fact.type.dtype), axes: [axis], keepDims: keep)
    default:
      let powers = try context.pow(try context.apply(AbsOp(), x), try context.scalar(power, like: x))
      return try context.pow(try context.reduce(.sum, powers, axes: [axis], keepDims: keep), try context.scalar(1 / power, like: x))
    }
  }

  private static func matrixNorm(
    _ x: Value, _ order: JSONValue, _ axes: [Int], _ keep: Bool, _ call: OperationCall, in context: inout RecordingContext
  ) throws -> Value {
    guard axes[0] != axes[1] else { throw call.mismatch("axis", "two axes") }
    /// The greatest or least of the sums over one axis, for all places of the other.
    func sums(_ kind: ReductionKind, over axis: Int, of other: Int) throws -> Value {
      let sum = try context.reduce(.l1, x, axes: [axis], keepDims: true)
      let y = try context.reduce(kind, sum, axes: [other], keepDims: true)
      return keep ? y : try context.squeeze(y, axes.sorted())
    }
    /// Of the singular values.
    func values(_ kind: ReductionKind) throws -> Value {
      let rank = try context.rank(of: x), order = (0..<rank).filter { !axes.contains($0) } + axes
      let turned = order == Array(0..<rank) ? x : try context.transpose(x, order)
      let y = try context.reduce(kind, try context.apply(SVDOp(isWhole: false), to: [turned]).at(0), axes: [rank - 2])
      return keep ? try context.unsqueeze(y, axes.sorted()) : y
    }
    if order == "nuc" { return try values(.sum) }
    switch order.doubleValue {
    case 1: return try sums(.max, over: axes[0], of: axes[1])
    case -1: return try sums(.min, over: axes[0], of: axes[1])
    case .infinity: return try sums(.max, over: axes[1], of: axes[0])
    case -.infinity: return try sums(.min, over: axes[1], of: axes[0])
    case 2: return try values(.max)
    case -2: return try values(.min)
    default: throw call.mismatch("ord", "1, 2, infinity, their negatives, fro or nuc")
    }
  }
}
