import ModelTensor

/// Infers types without computing: values are facts.
public struct FactContext: OpContext {
  public init() {}
  public mutating func apply(_ op: any Op, to inputs: [Fact?]) throws -> [Fact] {
    let types = try op.infer(inputs)
    let elements = op.inferElements(inputs)
    return types.enumerated().map { index, type in
      Fact(type, elements: index < elements.count ? elements[index] : nil)
    }
  }
  public mutating func constant(_ array: NDArray) throws -> Fact { Fact(array.type, constant: Tensor(array)) }
  public func fact(of value: Fact) -> Fact { value }
}
