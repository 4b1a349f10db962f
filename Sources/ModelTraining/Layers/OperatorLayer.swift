import ModelGraph
import ModelTensor

/// An op of a graph that has weights among its operands, as a layer.
final class OperatorLayer: Layer {
  let op: any Op
  /// For each operand: whether it is a weight, a tensor, or left out.
  enum Operand { case weight, tensor, none }
  private let operands: [Operand]
  init(_ op: any Op, _ operands: [Operand], weights: [Variable], name: String) {
    self.op = op
    self.operands = operands
    super.init(name: name)
    for weight in weights { adopt(weight, trainable: weight.isTrainable) }
    isBuilt = true
  }
  override var className: String { op.displayName }
  override func call(_ inputs: [Tensor], training: Bool) throws -> [Tensor] {
    try Dispatch.apply(op, to: operands(inputs.map { $0 }, ownWeights.map(\.tensor)))
  }
  func operands<V>(_ tensors: [V?], _ weights: [V]) -> [V?] {
    var tensors = tensors.makeIterator(), weights = weights.makeIterator()
    return operands.map { operand in
      switch operand {
      case .weight: weights.next()
      case .tensor: tensors.next() ?? nil
      case .none: nil
      }
    }
  }
}
