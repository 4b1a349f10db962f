import ModelOps
import ModelTensor

extension OperationWriter {
  /// `a + b`, in an order that Keras computes.
  ///
  /// With TensorFlow, `keras.ops.add(x1, x2)` takes an `x2` of which one extent alone is not 1 for a bias wherever that extent is
  /// that of the last or of the second axis of `x1`, and adds it there, whichever axis it stands on: `[3, 1] + [3, 3]` the wrong
  /// way round. The larger operand is safe there; where neither is, `a - (-b)` is the same number and has no such reading.
  mutating func sum(_ a: WrittenTensor, _ b: WrittenTensor) throws -> WrittenTensor {
    if !Self.takesForBias(a, b) { return try plainBinary("Add", a, b) }
    if !Self.takesForBias(b, a) { return try plainBinary("Add", b, a) }
    if a.dtype == .bool { return try plainBinary("Add", a, b) }
    if b.isConstant { return try plainBinary("Subtract", b, try unary("Negative", a)) }
    return try plainBinary("Subtract", a, try unary("Negative", b))
  }

  /// Whether extents may turn up with which Keras adds `bias` along another axis of `x` than it stands on.
  private static func takesForBias(_ x: WrittenTensor, _ bias: WrittenTensor) -> Bool {
    guard let dims = x.fact.type.shape.dims, let biasDims = bias.fact.type.shape.dims else { return true }
    // A single number is no bias, and a vector is no tensor with one.
    guard dims.count > 1, !biasDims.isEmpty, bias.fact.constant?.elementCount != 1 else { return false }
    let lead = biasDims.count - dims.count
    return biasDims.indices.contains { place in
      let extent = biasDims[place]
      guard extent.value != 1, biasDims.indices.allSatisfy({ $0 == place || biasDims[$0].value ?? 1 == 1 }) else { return false }
      /// Whether an axis of `x` has the extent of the bias: never, always, or with some inputs.
      func matches(_ axis: Int) -> Bool? {
        let own = dims[axis], facing = axis + lead
        if facing == place, own == extent || own.value.map({ $0 > 1 }) ?? false { return true }
        // An axis that is known to be as long as one of the bias is 1 like it.
        if own.value == 1 || facing != place && biasDims.indices.contains(facing) && own == biasDims[facing] { return false }
        if let value = own.value, let wanted = extent.value { return value == wanted }
        return nil
      }
      let last = dims.count - 1, first = matches(last), second = matches(1)
      func isRight(_ axis: Int) -> Bool { lead <= 0 && axis + lead == place }
      if first != false, !isRight(last) { return true }
      return first != true && second != false && !isRight(1)
    }
  }
}
