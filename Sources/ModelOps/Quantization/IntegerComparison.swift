import ModelGraph
import ModelTensor

extension ComparisonOp {
  /// Compares what stored numbers stand for, on a common scale.
  func compareIntegers(_ inputs: [NDArray?], _ types: IntegerTypes, in context: ExecutionContext) throws -> [NDArray] {
    let a = try inputs.required(0, of: self), b = try inputs.required(1, of: self)
    let x = try types.input(0, of: self), y = try types.input(1, of: self)
    guard x.dtype == y.dtype, types.activation == .none else { throw noKernel(x.dtype) }
    // LiteRT compares 16 and 32 bits as they are stored.
    guard x.dtype == .int8 || x.dtype == .uint8 else {
      guard x.quantization == y.quantization else { throw noKernel(x.dtype) }
      return [try mapStored(a, b, as: .uint8, for: self, in: context) { apply($0, $1) ? 1 : 0 }.reinterpreted(as: .bool)]
    }
    let factorA = FixedPointFactor(Double(x.scale)), factorB = FixedPointFactor(Double(y.scale)), left: Int32 = 8
    return [
      try mapStored(a, b, as: .uint8, for: self, in: context) {
        apply(factorA.times(($0 &- x.offset) &<< left), factorB.times(($1 &- y.offset) &<< left)) ? 1 : 0
      }.reinterpreted(as: .bool)
    ]
  }
}

extension EqualOp: IntegerKernel {
  public func evaluateIntegers(_ inputs: [NDArray?], _ types: IntegerTypes, in context: ExecutionContext) throws -> [NDArray] {
    try compareIntegers(inputs, types, in: context)
  }
}
extension NotEqualOp: IntegerKernel {
  public func evaluateIntegers(_ inputs: [NDArray?], _ types: IntegerTypes, in context: ExecutionContext) throws -> [NDArray] {
    try compareIntegers(inputs, types, in: context)
  }
}
extension LessOp: IntegerKernel {
  public func evaluateIntegers(_ inputs: [NDArray?], _ types: IntegerTypes, in context: ExecutionContext) throws -> [NDArray] {
    try compareIntegers(inputs, types, in: context)
  }
}
extension LessOrEqualOp: IntegerKernel {
  public func evaluateIntegers(_ inputs: [NDArray?], _ types: IntegerTypes, in context: ExecutionContext) throws -> [NDArray] {
    try compareIntegers(inputs, types, in: context)
  }
}
extension GreaterOp: IntegerKernel {
  public func evaluateIntegers(_ inputs: [NDArray?], _ types: IntegerTypes, in context: ExecutionContext) throws -> [NDArray] {
    try compareIntegers(inputs, types, in: context)
  }
}
extension GreaterOrEqualOp: IntegerKernel {
  public func evaluateIntegers(_ inputs: [NDArray?], _ types: IntegerTypes, in context: ExecutionContext) throws -> [NDArray] {
    try compareIntegers(inputs, types, in: context)
  }
}
