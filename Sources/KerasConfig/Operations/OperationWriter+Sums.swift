import ModelGraph
import ModelOps
import ModelTensor

extension OperationWriter {
  /// The sum of two tensors, spelled so that TensorFlow broadcasts them.
  ///
  /// With TensorFlow, `keras.ops.add` takes a second operand that has one extent above 1, wherever it stands, for the bias of the
  /// channels when it is as long as the first's last or second axis: `[1, 3] + [3, 1]` gives `[1, 3]`. So the other order is written
  /// where that is safe, else the difference to what is negated, which is the same number.
  mutating func sum(_ a: WrittenTensor, _ b: WrittenTensor) throws -> WrittenTensor {
    let own = Self.biasRisk(a, b), turned = Self.biasRisk(b, a)
    if own == .none { return try plainBinary("Add", a, b) }
    if turned < own { return try plainBinary("Add", b, a) }
    guard own == .certain, a.dtype.isFloatingPoint || a.dtype.isSignedInteger else { return try plainBinary("Add", a, b) }
    let negated = try b.constantNegated.map { constant($0) } ?? unary("Negative", b)
    return try plainBinary("Subtract", a, negated)
  }

  /// Whether Keras takes `b` for a bias of `a` that broadcasting would place elsewhere, or lays along the second axis, which TensorFlow
  /// refuses in compiled graphs.
  enum BiasRisk: Int, Comparable {
    case none, possible, certain
    static func < (a: BiasRisk, b: BiasRisk) -> Bool { a.rawValue < b.rawValue }
  }

  static func biasRisk(_ a: WrittenTensor, _ b: WrittenTensor) -> BiasRisk {
    guard let x = a.fact.type.shape.dims, let y = b.fact.type.shape.dims, x.count > 1 else { return .none }
    let known = y.indices.filter { y[$0].value.map { $0 > 1 } ?? false }, open = y.indices.filter { y[$0].value == nil }
    // More extents above 1 are no bias; an open one may turn out to be 1.
    guard known.count < 2 else { return .none }
    var risk = BiasRisk.none
    for place in known.isEmpty ? open : known {
      let length = y[place].value, others = known.isEmpty ? open.count - 1 : open.count
      func matches(_ extent: Dim) -> BiasRisk {
        guard let length, let value = extent.value else { return extent.value == 1 ? .none : .possible }
        return length == value ? .certain : .none
      }
      var found: BiasRisk
      let last = matches(x[x.count - 1]), second = x.count > 2 ? matches(x[1]) : .none
      // The last axis comes first, and is right where the vector stands at the end.
      let isLast = place == y.count - 1 && y.count <= x.count
      if last == .certain {
        found = isLast ? .none : .certain
      } else {
        found = max(isLast ? .none : last, second)
      }
      if others > 0 { found = min(found, .possible) }
      risk = max(risk, found)
    }
    return risk
  }
}

extension WrittenTensor {
  /// A constant with its signs turned.
  fileprivate var constantNegated: NDArray? {
    guard case .constant(let tensor) = source, let array = try? tensor.array() else { return nil }
    return try? NegOp().evaluate([array], in: ExecutionContext(primitives: ReferencePrimitives())).first
  }
}
