import ModelTensor

/// Evaluates each op as it is applied; ops without a kernel run by decomposition.
public struct EagerContext: OpContext {
  public let execution: ExecutionContext
  public init(_ execution: ExecutionContext) { self.execution = execution }
  public mutating func apply(_ op: any Op, to inputs: [NDArray?]) throws -> [NDArray] {
    if let primitive = op as? any PrimitiveOp { return try primitive.evaluate(inputs, in: execution) }
    if let composite = op as? any CompositeOp { return try composite.decompose(inputs, in: &self) }
    throw ExecutionError(.noKernel, "the engine has no kernel for \(op.displayName)")
  }
  public mutating func constant(_ array: NDArray) throws -> NDArray { array }
  public func fact(of value: NDArray) -> Fact { Fact(value.type, constant: Tensor(value)) }
}
