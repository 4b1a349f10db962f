import ModelGraph
import ModelOps
import ModelTensor

/// Dropout that drops nothing: graphs of TensorFlow 1 take the rate from a placeholder whose default is the one for inference.
extension GraphFolding {
  /// Fills in what a comparison or a sum with a number between 0 and 1 comes to whichever is drawn: `u >= 0`, and `floor(1 + u)`.
  mutating func settleChance(_ id: NodeID) throws {
    let node = context.graph[id], type = context.graph[id].outputs.first.map { context.graph[$0].type }
    guard node.outputs.count == 1, let type else { return }
    switch node.op {
    case is GreaterOrEqualOp:
      guard let drawn = node.input(0).flatMap({ chance($0) }), let bound = node.input(1), let least = fact(bound).scalar, least <= 0 else {
        return
      }
      let shape = try context.cast(drawn, to: .int64)
      rewrite(id, to: ConstantOfShapeOp(value: NDArray(scalar: true)), [shape])
    case is FloorOp:
      guard let sum = node.input(0).flatMap({ producer($0) }), sum.op is AddOp, let a = sum.input(0), let b = sum.input(1),
        let drawn = fact(a).scalar == 1 ? chance(b) : fact(b).scalar == 1 ? chance(a) : nil, type.dtype == .float32
      else { return }
      let shape = try context.cast(drawn, to: .int64)
      rewrite(id, to: ConstantOfShapeOp(value: NDArray(scalar: Float(1))), [shape])
    default: return
    }
  }

  /// The shape of a value that is drawn from `0 ..< 1`.
  private func chance(_ value: ValueID) -> ValueID? {
    guard let node = producer(value) else { return nil }
    switch node.op {
    case let op as CounterRandomOp where op.distribution == .uniform: return node.input(0)
    case let op as RandomUniformOp where op.low >= 0 && op.high <= 1: return node.input(0)
    default: return nil
    }
  }

  /// What a choice or a product comes to whose condition or factor is one number everywhere.
  func kept(_ node: Node, _ output: TensorType) -> ValueID? {
    func fill(_ index: Int) -> NDArray? { (node.input(index).flatMap { producer($0) }?.op as? ConstantOfShapeOp)?.value }
    func same(_ index: Int) -> ValueID? {
      guard let x = node.input(index), Self.provablyEqual(context.graph[x].type, output) else { return nil }
      return x
    }
    switch node.op {
    case is WhereOp:
      guard let chosen = fill(0)?.doubles().first else { return sameEitherWay(node) }
      return same(chosen == 0 ? 2 : 1)
    case is MulOp:
      if fill(1)?.doubles().first == 1 { return same(0) }
      return fill(0)?.doubles().first == 1 ? same(1) : nil
    default: return nil
    }
  }

  /// What is chosen whatever the condition is, whose extents, being 1 or the same, say nothing either: as exporters of PyTorch choose
  /// between two shapes.
  private func sameEitherWay(_ node: Node) -> ValueID? {
    guard let condition = node.input(0), let a = node.input(1), let b = node.input(2), let extents = context.graph[a].type.shape.extents,
      context.graph[b].type == context.graph[a].type, let rank = context.graph[condition].type.shape.rank, rank <= extents.count,
      !extents.contains(1)
    else { return nil }
    if a == b { return a }
    guard let known = fact(a).integers else { return nil }
    return known == fact(b).integers ? a : nil
  }
}
