import ModelGraph
import ModelLayers
import ModelOps
import ModelSupport
import ModelTensor

/// A convolution that may take several axes for the batch.
private protocol BatchedConvolution {
  /// The number of spatial axes, if it does so with inputs of this rank.
  func batched(_ rank: Int?) -> Int?
}
extension Conv: BatchedConvolution {
  func batched(_ rank: Int?) -> Int? { Self.isOverBatches(rank, layout) ? R.rank : nil }
}

/// What layers of Keras 2 do that Keras 3 has no word for, said with operations around them.
enum Keras2Behaviour {
  /// The graph with transposes around recurrent layers whose sequences are `[T, B, …]`, and casts of indices that Keras 3 makes
  /// `int32`.
  static func spelled(in graph: Graph, of model: Model) throws -> Graph {
    let isOther = graph.nodeSlots.contains { node in
      (node?.op as? LayerOp).map { keras3(of: $0.layer) != nil || $0.layer is any BatchedConvolution } ?? false
    }
    guard isOther else { return graph }
    var context = GraphContext(model, graph: graph)
    for id in try graph.order() {
      let node = context.graph[id]
      guard var op = node.op as? LayerOp, let x = node.inputs.first ?? nil else { continue }
      if let rank = (op.layer as? any BatchedConvolution)?.batched(context.fact(of: x).type.shape.rank) {
        try fold(id, x, rank, &context)
        continue
      }
      guard let layer = keras3(of: op.layer) else { continue }
      op.layer = layer
      context.graph[id].op = op
      if let options = (layer as? any RecurrentLayer)?.options ?? (layer as? Bidirectional)?.forward.options {
        guard let swap = swap(context.fact(of: x).type.shape.rank) else {
          throw UnsupportedError("sequences of unknown rank", items: [.init(op.displayName, reason: "time comes first")])
        }
        context.graph[id].inputs[0] = try context.append(swap, [x], name: "\(node.name)_batch_first")[0]
        let sequences = options.returnSequences ? (layer as? Bidirectional).map { $0.mergeMode == nil ? 2 : 1 } ?? 1 : 0
        for output in node.outputs.prefix(sequences) {
          try insert(swap, behind: output, of: swapped(context.graph[output].type), as: "\(node.name)_time_first", &context)
        }
      } else if let layer = op.layer as? SeparableConv1D, let before = pads(of: node) {
        // Keras 3 has no causal padding here.
        var pads = [0, 0, 0]
        pads[layer.layout == .channelsLast ? 1 : 2] = before
        context.namePrefix = node.name
        context.graph[id].inputs[0] = try context.pad(x, before: pads, after: [0, 0, 0])
      } else if layer is Resizing {
        // It gives images of the dtype it takes.
        let type = context.fact(of: x).type
        guard let output = node.outputs.first, type.dtype != context.graph[output].type.dtype else { continue }
        let cast = CastOp(to: context.graph[output].type.dtype)
        context.graph[id].inputs[0] = try context.append(cast, [x], name: "\(node.name)_cast")[0]
      } else if layer is any VocabularyLayer {
        guard let output = node.outputs.first, context.graph[output].type.dtype.isFloatingPoint else { continue }
        let type = context.graph[output].type
        try insert(CastOp(to: type.dtype), behind: output, of: TensorType(.int64, type.shape), as: "\(node.name)_cast", &context)
      } else if let output = node.outputs.first {
        let type = TensorType(.int32, context.graph[output].type.shape)
        try insert(CastOp(to: .int64), behind: output, of: type, as: "\(node.name)_int64", &context)
      }
    }
    return context.graph
  }

  /// The layer as Keras 3 has it; `nil` when it is no other.
  private static func keras3(of layer: any Layer) -> (any Layer)? {
    if var layer = layer as? any RecurrentLayer, layer.options.timeMajor {
      layer.options.timeMajor = false
      return layer
    }
    if var layer = layer as? Bidirectional, layer.forward.options.timeMajor {
      layer.forward.options.timeMajor = false
      layer.backward?.options.timeMajor = false
      return layer
    }
    if var layer = layer as? Discretization, layer.mode == .int, layer.indexType != .int32 {
      layer.indexType = .int32
      return layer
    }
    if var layer = layer as? SeparableConv1D, layer.padding == .causal {
      layer.padding = .valid
      return layer
    }
    if var layer = layer as? any VocabularyLayer, layer.settings[StringLookup.generationKey] != nil,
      let mode = layer.settings["output_mode"]?.stringValue, ["one_hot", "multi_hot", "count"].contains(mode)
    {
      layer.settings[StringLookup.generationKey] = nil
      return layer
    }
    return (layer as? Augmentation<Augmentations.RandomCrop>)?.resizing
  }

  /// Puts reshapes around a convolution: its batch has one axis in Keras 3.
  private static func fold(_ id: NodeID, _ x: ValueID, _ spatial: Int, _ context: inout GraphContext) throws {
    let node = context.graph[id]
    guard let output = node.outputs.first, let dims = context.fact(of: x).type.shape.dims,
      let results = context.graph[output].type.shape.dims, dims.dropFirst().allSatisfy({ $0.value != nil }), results.count == dims.count
    else {
      throw UnsupportedError("a batch of several axes", items: [.init(node.op.displayName, reason: "extents must be known")])
    }
    context.namePrefix = node.name
    context.graph[id].inputs[0] = try context.reshape(x, [-1] + dims.suffix(spatial + 1).compactMap(\.value))
    let shape = try context.ints([-1] + results.dropFirst().compactMap(\.value))
    let flat = TensorType(context.graph[output].type.dtype, .ranked([.unknown] + results.suffix(spatial + 1)))
    context.graph[output].type = flat
    guard let result = try context.append(ReshapeOp(), [output, shape], name: "\(node.name)_batch").first,
      let inserted = context.graph.producer(of: result)
    else { return }
    context.graph.replaceUses([output: result])
    context.graph[inserted].inputs = [output, shape]
  }

  /// The steps in front of the first that a causal convolution takes for zeros.
  private static func pads(of node: Node) -> Int? {
    guard let layer = (node.op as? LayerOp)?.layer as? SeparableConv1D, let kernel = layer.kernelSize.first,
      let dilation = layer.dilations.first, (1..<1 << 24).contains(kernel), (1..<1 << 24).contains(dilation)
    else { return nil }
    return (kernel - 1) * dilation
  }

  /// What such a layer does no more.
  static func losses(in graph: Graph) -> [Loss] {
    graph.nodeSlots.compactMap { node in
      guard let node, let layer = (node.op as? LayerOp)?.layer as? Augmentation<Augmentations.RandomCrop>, layer.resizing != nil else {
        return nil
      }
      let reason = "that of Keras 3 leaves images alone when a model predicts: it is a Resizing, in training too"
      return Loss("the RandomCrop '\(node.name)'", reason: reason)
    }
  }

  /// What Keras 3 computes otherwise when it opens a file that is Keras 2's.
  static func lossesInKeras3(of model: Model) -> [Loss] {
    var sigmoids: [String] = [], crops: [String] = []
    for graph in model.graphs.values {
      for case let node? in graph.nodeSlots {
        guard let layer = (node.op as? LayerOp)?.layer else { continue }
        if (layer as? Augmentation<Augmentations.RandomCrop>)?.resizing != nil, !crops.contains(node.name) { crops.append(node.name) }
        guard !sigmoids.contains(node.name), let typed = try? LayerRules.rule(for: layer)?.write(layer), holdsOldHardSigmoid(typed) else {
          continue
        }
        sigmoids.append(node.name)
      }
    }
    func loss(_ what: String, _ names: [String], _ reason: String) -> Loss? {
      guard let first = names.first else { return nil }
      let others = names.count > 1 ? " and \(names.count - 1) more layers" : ""
      return Loss("\(what) '\(first)'\(others) in Keras 3", reason: "\(reason): it opens the model as .keras")
    }
    return [
      loss("the hard_sigmoid of", sigmoids, "Keras 3 takes the word for another function, with other results"),
      loss("the RandomCrop", crops, "Keras 3 leaves images alone when a model predicts"),
    ].compactMap { $0 }
  }

  /// Whether a typed configuration holds Keras 2's hard sigmoid.
  static func holdsOldHardSigmoid(_ typed: JSONValue, depth: Int = 0) -> Bool {
    guard depth < NestingLimit.maximum, let members = typed.objectValue else { return false }
    return members.contains { key, value in
      guard value.objectValue != nil else { return false }
      if key.hasSuffix("activation") { return (try? Activation(config: value)) == .hardSigmoidKeras2 }
      return holdsOldHardSigmoid(value, depth: depth + 1)
    }
  }

  private static func swap(_ rank: Int?) -> TransposeOp? {
    guard let rank, rank >= 2 else { return nil }
    return TransposeOp(permutation: [1, 0] + Array(2..<rank))
  }

  private static func swapped(_ type: TensorType) -> TensorType {
    guard var dims = type.shape.dims, dims.count >= 2 else { return type }
    dims.swapAt(0, 1)
    return TensorType(type.dtype, .ranked(dims))
  }

  /// Puts an op between a value, whose type is another now, and all that uses it.
  private static func insert(_ op: any Op, behind value: ValueID, of type: TensorType, as name: String, _ context: inout GraphContext)
    throws
  {
    context.graph[value].type = type
    guard let result = try context.append(op, [value], name: name).first, let inserted = context.graph.producer(of: result) else { return }
    context.graph.replaceUses([value: result])
    context.graph[inserted].inputs = [value]
  }
}
