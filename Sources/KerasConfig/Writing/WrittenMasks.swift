import ModelGraph
import ModelLayers
import ModelOps
import OrderedCollections

/// The nodes that stand for masks alone, as a graph is written: Keras has no layers for them.
struct WrittenMasks {
  /// The uses of tensors whose masks an attention has taken before.
  private(set) var taken: Set<TakenMasks.Use> = []
  private var bare: Set<ValueID> = []
  /// The masks that models are called with, by the values that carry them.
  private var given: [ValueID: ValueID] = [:]

  /// Whether a node only says which mask its tensor has.
  mutating func note(_ node: Node) -> Bool {
    guard let output = node.outputs.first else { return false }
    if node.op is IdentityOp, node.origin.passes.contains(TakenMasks.pass) {
      bare.insert(output)
      return true
    }
    guard node.origin.passes.contains(TakenMasks.given), (node.op as? LayerOp)?.layer is Identity else { return false }
    if node.inputs.count > 1, let mask = node.inputs[1] { given[output] = mask }
    // A tensor that is bare itself is given its mask again.
    return true
  }

  /// Spells the masks that a model is called with.
  func spell(_ node: Node, _ graph: Graph, _ references: [ValueID: TensorReference], in call: inout CallDescription) {
    let masks = node.inputs.map { input -> CallArgument in
      guard let mask = input.flatMap({ given[$0] }), let reference = references[mask] else { return .plain(.null) }
      return .tensor(reference, graph[mask].type)
    }
    guard masks.contains(where: { !$0.tensors.isEmpty }) else { return }
    switch call.arguments.first {
    case .dictionary(let members)? where members.count == masks.count:
      call.keywords["mask"] = .dictionary(.init(uniqueKeys: members.keys.sorted(), values: masks))
    default: call.keywords["mask"] = masks.count == 1 ? masks[0] : .list(masks)
    }
  }

  /// Notes which tensors of a call have to be without the masks they had.
  mutating func expect(_ node: Node, _ references: [ValueID: TensorReference], by call: TensorReference) {
    for case let input? in node.inputs where bare.contains(input) {
      if let tensor = references[input] { taken.insert(TakenMasks.Use(call: call, tensor: tensor)) }
    }
  }
}
