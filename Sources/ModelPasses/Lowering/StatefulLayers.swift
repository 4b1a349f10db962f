import ModelGraph
import ModelLayers
import ModelSupport

extension Layer {
  /// For a layer that Keras calls stateful: the same layer giving its last states behind its outputs, and how many outputs those are.
  var returningState: (layer: any Layer, outputs: Int)? {
    if var layer = self as? any RecurrentLayer, layer.options.stateful {
      layer.options.returnState = true
      return (layer, 1)
    }
    if var layer = self as? Bidirectional, layer.forward.options.stateful {
      layer.forward.options.returnState = true
      return (layer, layer.mergeMode == nil ? 2 : 1)
    }
    return nil
  }
}

extension Model {
  /// Whether layers of the model remember something between calls.
  public var hasStatefulLayers: Bool { graphs.values.contains { !$0.statefulLayers.isEmpty } }

  /// What a target without state loses of them.
  func statefulLosses(_ target: String) -> [Loss] {
    graphs.values.flatMap(\.statefulLayers).map {
      Loss("what the layer '\($0.name)' remembers between calls", reason: "\(target) keeps nothing: each call starts from zeros")
    }
  }
}

extension Graph {
  fileprivate var statefulLayers: [Node] {
    nodeSlots.compactMap { node in
      guard let node, let op = node.op as? LayerOp, op.layer.returningState != nil else { return nil }
      return node
    }
  }
}
