import ModelGraph
import ModelOps
import ModelTensor

/// Functions of numbers in `keras.ops.numpy` that other ops spell.
extension OperationRules {
  static let numbers = OperationFamily(rules: divisorRules + signRules + lineRules + missingRules)

  private typealias Value = RecordingContext.Value

  // MARK: Divisors

  /// Two integers without their signs, wide enough for every target, and the dtype they are of.
  private static func magnitudes(_ call: OperationCall, in context: inout RecordingContext) throws -> (Value, Value, DType) {
    let operands = try call.promoted(["x1", "x2"], in: &context), dtype = operands[0].fact.type.dtype
    guard dtype.isInteger else { throw call.mismatch("x1", "integers") }
    let wide: DType = dtype == .int64 || dtype == .uint32 || dtype == .uint64 ? .int64 : .int32
    let parts = try operands.map { try context.apply(AbsOp(), try context.cast($0, to: wide)) }
    return (parts[0], parts[1], dtype)
  }

  /// Euclid's divisions, as many as numbers of the dtype can take: the numbers of Fibonacci take most.
  private static func divisor(_ x: Value, _ y: Value, _ dtype: DType, in context: inout RecordingContext) throws -> Value {
    let limit: Double =
      switch dtype {
      case .int8, .uint8: 256
      case .int16, .uint16: 65536
      case .int32: 2147483648
      case .uint32: 4294967296
      default: 9.3e18
      }
    var steps = 1, pair = (1.0, 1.0)
    while pair.1 <= limit {
      pair = (pair.1, pair.0 + pair.1)
      steps += 1
    }
    let zero = try context.scalar(0, like: x), one = try context.scalar(1, like: x)
    let shaped = try context.mul(y, zero)
    var a = try context.add(x, shaped), b = try context.add(y, try context.mul(x, zero))
    for _ in 0..<steps {
      let isDone = try context.apply(EqualOp(), b, zero)
      let rest = try context.apply(ModOp(), a, try context.select(isDone, one, b))
      a = try context.select(isDone, a, b)
      b = rest
    }
    return a
  }

  private static let divisorRules: [OperationRule] = [
    OperationRule(.numpy, "Gcd", ["x1", "x2"]) { call, context in
      let (a, b, dtype) = try magnitudes(call, in: &context)
      return try context.cast(try divisor(a, b, dtype, in: &context), to: dtype)
    },
    OperationRule(.numpy, "Lcm", ["x1", "x2"]) { call, context in
      let (a, b, dtype) = try magnitudes(call, in: &context), common = try divisor(a, b, dtype, in: &context)
      let safe = try context.maximum(common, try context.scalar(1, like: common))
      return try context.cast(try context.mul(a, try context.apply(FloorDivOp(), b, safe)), to: dtype)
    },
    OperationRule(
      .numpy, "UnravelIndex", ["indices"],
      many: { call, context in
        var x = try call.tensor("indices", in: &context)
        guard let shape = try call.ints("shape"), shape.allSatisfy({ $0 > 0 }), try context.rank(of: x) == 1, x.fact.type.dtype.isInteger
        else { throw call.unsupported("of other than a list of places") }
        var places: [Value] = []
        for extent in shape.reversed() {
          let count = try context.scalar(Double(extent), like: x)
          places.append(try context.apply(ModOp(), x, count))
          x = try context.apply(FloorDivOp(), x, count)
        }
        return places.reversed()
      }),
  ]

  // MARK: Signs and parts

  private static let signRules: [OperationRule] = [
    OperationRule(.numpy, "Angle") { call, context in
      let x = try call.floating("x", in: &context), zero = try context.scalar(0, like: x)
      return try context.select(try context.apply(LessOp(), x, zero), try context.scalar(.pi, like: x), zero)
    },
    OperationRule(.numpy, "Conj") { call, context in try context.apply(IdentityOp(), try call.tensor("x", in: &context)) },
    OperationRule(.numpy, "Signbit") { call, context in
      let x = try call.tensor("x", in: &context), zero = try context.scalar(0, like: x)
      guard x.fact.type.dtype.isFloatingPoint else {
        let wide = try context.cast(x, to: .int32)
        return try context.apply(LessOp(), wide, try context.scalar(0, like: wide))
      }
      // A negative zero's reciprocal is negative.
      let isZero = try context.apply(EqualOp(), x, zero)
      let whole = try context.select(isZero, try context.div(try context.scalar(1, like: x), x), x)
      return try context.apply(LessOp(), whole, zero)
    },
    OperationRule(.numpy, "Dstack", ["xs"]) { call, context in
      let parts = try call.tensors("xs", in: &context)
      guard let dtype = PromotedType.result(parts.map { .dtype($0.fact.type.dtype) }) else {
        throw call.mismatch("xs", "tensors of one kind")
      }
      let deep = try parts.map { part -> Value in
        let part = try context.cast(part, to: dtype)
        switch try context.rank(of: part) {
        case 0: return try context.unsqueeze(part, [0, 1, 2])
        case 1: return try context.unsqueeze(part, [0, 2])
        case 2: return try context.unsqueeze(part, [2])
        default: return part
        }
      }
      return try context.concat(deep, axis: 2)
    },
  ]

  // MARK: Lines of numbers

  private static let lineRules: [OperationRule] = [
    OperationRule(.numpy, "Correlate", ["x1", "x2"]) { call, context in
      let operands = try call.promoted(["x1", "x2"], in: &context), own = operands[0].fact.type.dtype
      let dtype: DType = own == .int64 ? .float64 : own.kerasFloat
      var a = try context.cast(operands[0], to: dtype), b = try context.cast(operands[1], to: dtype)
      guard try context.rank(of: a) == 1, try context.rank(of: b) == 1 else { throw call.mismatch("x1", "two vectors") }
      let n = a.fact.type.shape.dims?.first?.value, m = b.fact.type.shape.dims?.first?.value
      let mode = try call.string("mode") ?? "valid"
      guard n ?? 0 < 1 << 30, m ?? 0 < 1 << 30 else { throw call.unsupported("of great length") }
      if mode != "valid" {
        guard let m, m > 0, mode == "full" || n != nil else { throw call.unsupported("of vectors of unknown length") }
        a = try context.pad(a, before: [m - 1], after: [m - 1])
      } else if let n, let m, n < m {
        throw call.unsupported("of a vector with a longer one")
      }
      a = try context.reshape(a, [1, -1, 1])
      b = try context.reshape(b, [-1, 1, 1])
      let y = try context.squeeze(try context.apply(ConvOp(layout: .channelsLast, kernelLayout: .spatialInputOutput), a, b), [0, 2])
      guard mode == "same", let n, let m else { return y }
      let start = (min(n, m) - 1) / 2
      return try context.slice(y, axis: 0, start: start, end: start + max(n, m))
    },
    OperationRule(.numpy, "Trapezoid", ["y"]) { call, context in
      let y = try call.floating("y", in: &context), rank = try context.rank(of: y), axis = try call.axis(rank: rank, default: -1)
      guard !call.has("x"), call.option("x") == nil, rank > 0 else { throw call.unsupported("at given places") }
      let sides = try context.add(
        try context.slice(y, axis: axis, start: 1, end: Int(Int64.max)), try context.slice(y, axis: axis, start: 0, end: -1))
      let height = try context.mul(sides, try context.scalar(0.5, like: y))
      let area = try context.mul(height, try context.scalar(try call.double("dx", default: 1), like: y))
      return try context.reduce(.sum, area, axes: [axis])
    },
    OperationRule(.numpy, "Vander") { call, context in
      let x = try call.tensor("x", in: &context)
      guard try context.rank(of: x) == 1, let count = try call.int("N") ?? x.fact.type.shape.dims?.first?.value, (1...1024).contains(count)
      else { throw call.unsupported("of no known number of powers") }
      let wide = try context.cast(x, to: x.fact.type.dtype.kerasFloat)
      let powers = try call.bool("increasing") ? Array(0..<count) : Array((0..<count).reversed())
      let row = try context.cast(try context.constant(NDArray(powers.map(Float.init), [count])), to: wide.fact.type.dtype)
      return try context.cast(try context.pow(try context.unsqueeze(wide, [1]), row), to: x.fact.type.dtype)
    },
    OperationRule(.numpy, "Corrcoef") { call, context in
      let x = try call.floating("x", in: &context)
      guard try context.rank(of: x) == 2 else { throw call.unsupported("of other than rows of samples") }
      let away = try context.sub(x, try context.reduce(.mean, x, axes: [1], keepDims: true))
      let product = try context.matmul(away, away, transposeB: true)
      let size = try context.apply(SqrtOp(), try context.reduce(.sum, try context.apply(SquareOp(), away), axes: [1], keepDims: true))
      let sizes = try context.mul(size, try context.transpose(size, [1, 0]))
      return try context.clip(try context.div(product, sizes), min: -1, max: 1)
    },
    OperationRule(.numpy, "Linspace", ["start", "stop"]) { call, context in
      let ends = try call.promoted(["start", "stop"], float: true, in: &context)
      let count = try call.int("num", default: 50), isClosed = try call.bool("endpoint", default: true)
      guard (2...4096).contains(count), try !call.bool("retstep"), try call.dtype()?.isFloatingPoint ?? true
      else { throw call.unsupported("with its step, of few or of very many numbers, or of whole ones") }
      let dtype = try call.dtype() ?? ends[0].fact.type.dtype
      let start = try context.cast(ends[0], to: dtype), span = try context.sub(try context.cast(ends[1], to: dtype), start)
      let rank = try context.rank(of: span), axis = try normalizeAxis(try call.int("axis", default: 0), rank: rank + 1)
      var line = Array(repeating: 1, count: rank + 1)
      line[axis] = count
      let shares = (0..<count).map { Double($0) / Double(isClosed ? count - 1 : count) }
      let parts = try context.cast(try context.constant(NDArray(shares, line)), to: dtype)
      let wide = try context.mul(try context.unsqueeze(span, [axis]), parts)
      let first = try context.rank(of: start) == rank ? try context.unsqueeze(start, [axis]) : start
      return try context.add(first, wide)
    },
  ]

  // MARK: Not-a-number

  private static func known(_ x: Value, _ neutral: Double, in context: inout RecordingContext) throws -> Value {
    guard x.fact.type.dtype.isFloatingPoint else { return x }
    return try context.select(try context.apply(IsNaNOp(), x), try context.scalar(neutral, like: x), x)
  }

  private static func place(_ className: String, isGreatest: Bool) -> OperationRule {
    OperationRule(.numpy, className) { call, context in
      var x = try call.tensor("x", in: &context)
      let rank = try context.rank(of: x), given = try call.int("axis"), keep = try call.bool("keepdims")
      if given == nil { x = try context.reshape(x, [-1]) }
      let axis = try normalizeAxis(given ?? 0, rank: try context.rank(of: x))
      let values = try known(x, isGreatest ? -.infinity : .infinity, in: &context)
      let op: any Op = isGreatest ? ArgMaxOp(axis: axis, keepDims: true) : ArgMinOp(axis: axis, keepDims: true)
      var y = try context.cast(try context.apply(op, values), to: .int32)
      if x.fact.type.dtype.isFloatingPoint {
        let isNone = try context.reduce(.all, try context.apply(IsNaNOp(), x), axes: [axis], keepDims: true)
        y = try context.select(isNone, try context.scalar(-1, like: y), y)
      }
      if !keep { return try context.squeeze(y, [axis]) }
      return given == nil ? try context.reshape(y, Array(repeating: 1, count: rank)) : y
    }
  }

  private static func spread(_ className: String, isRoot: Bool) -> OperationRule {
    OperationRule(.numpy, className) { call, context in
      let x = try call.floating("x", in: &context), axes = try call.axes(rank: try context.rank(of: x)), keep = try call.bool("keepdims")
      let zero = try context.scalar(0, like: x), isNaN = try context.apply(IsNaNOp(), x)
      let there = try context.cast(try context.apply(LogicalNotOp(), isNaN), to: x.fact.type.dtype)
      let sum = try context.reduce(.sum, try context.select(isNaN, zero, x), axes: axes, keepDims: true)
      let mean = try context.div(sum, try context.reduce(.sum, there, axes: axes, keepDims: true))
      let square = try context.apply(SquareOp(), try context.select(isNaN, zero, try context.sub(x, mean)))
      let y = try context.div(
        try context.reduce(.sum, square, axes: axes, keepDims: keep), try context.reduce(.sum, there, axes: axes, keepDims: keep))
      return isRoot ? try context.apply(SqrtOp(), y) : y
    }
  }

  private static let missingRules: [OperationRule] = [
    place("Nanargmax", isGreatest: true), place("Nanargmin", isGreatest: false), spread("Nanvar", isRoot: false),
    spread("Nanstd", isRoot: true),
  ]
}
