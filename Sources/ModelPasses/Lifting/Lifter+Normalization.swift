import ModelGraph
import ModelLayers
import ModelOps
import ModelTensor

extension Lifter {
  mutating func liftNormalization(_ node: Node) throws -> Bool {
    guard let x = node.input(0), !isConstant(x), let rank = dims(x)?.count, rank >= 2 else { return false }
    switch node.op {
    case let op as BatchNormalizationOp:
      let axis = try normalizeAxis(op.axis, rank: rank)
      var layer = BatchNormalization()
      layer.epsilon = op.epsilon
      layer.axis = axis == rank - 1 ? -1 : axis
      layer.scale = node.input(1) != nil
      layer.center = node.input(2) != nil
      guard let channels = dims(x)?[axis].value,
        let weights = vectors([1, 2, 3, 4].compactMap { node.input($0) }, extents: [channels])
      else { return false }
      return try finish(layer, "batch_normalization", node, x, weights)
    case let op as LayerNormalizationOp:
      guard node.outputs.dropFirst().allSatisfy({ !isUsed($0) }) else { return false }
      var layer = LayerNormalization()
      layer.epsilon = op.epsilon
      layer.scale = node.input(1) != nil
      layer.center = node.input(2) != nil
      let axes = try op.axes.map { try normalizeAxis($0, rank: rank) }.sorted()
      layer.axes = axes.map { $0 == rank - 1 && axes.count == 1 ? -1 : $0 }
      guard let extents = extents(x, axes), let weights = vectors([1, 2].compactMap { node.input($0) }, extents: extents) else {
        return false
      }
      return try finish(layer, "layer_normalization", node, x, weights)
    case let op as RMSNormalizationOp:
      var layer = RMSNormalization()
      layer.epsilon = op.epsilon
      let axes = try op.axes.map { try normalizeAxis($0, rank: rank) }.sorted()
      layer.axes = axes.map { $0 == rank - 1 && axes.count == 1 ? -1 : $0 }
      guard let scale = node.input(1), let extents = extents(x, axes), let weights = vectors([scale], extents: extents) else {
        return false
      }
      return try finish(layer, "rms_normalization", node, x, weights)
    case let op as GroupNormalizationOp:
      return try liftGroups(node, x, rank, groups: op.groups, epsilon: op.epsilon, axis: op.axis)
    case let op as InstanceNormalizationOp:
      return try liftGroups(node, x, rank, groups: -1, epsilon: op.epsilon, axis: op.axis)
    default: return false
    }
  }

  private mutating func liftGroups(
    _ node: Node, _ x: ValueID, _ rank: Int, groups: Int, epsilon: Double, axis: Int
  ) throws -> Bool {
    let axis = try normalizeAxis(axis, rank: rank)
    var layer = GroupNormalization()
    layer.groups = groups
    layer.epsilon = epsilon
    layer.axis = axis == rank - 1 ? -1 : axis
    layer.scale = node.input(1) != nil
    layer.center = node.input(2) != nil
    guard let extents = extents(x, [axis]), let weights = vectors([1, 2].compactMap { node.input($0) }, extents: extents) else {
      return false
    }
    return try finish(layer, "group_normalization", node, x, weights)
  }

  private func extents(_ x: ValueID, _ axes: [Int]) -> [Int]? {
    guard let dims = dims(x) else { return nil }
    return Shape.ranked(axes.map { dims[$0] }).extents
  }
  /// Constants of just so many elements, as weights of that shape.
  private func vectors(_ ids: [ValueID], extents: [Int]) -> [Weight]? {
    guard let count = checkedProduct(extents) else { return nil }
    var result: [Weight] = []
    for id in ids {
      guard let tensor = tensor(id), tensor.elementCount == count, tensor.dtype.isFloatingPoint else { return nil }
      result.append(Weight(tensor.reshaped(extents), [id]))
    }
    return result
  }
  private mutating func finish(_ layer: any Layer, _ className: String, _ node: Node, _ x: ValueID, _ weights: [Weight]) throws -> Bool {
    let name = Self.withoutSuffix(layerName(node, className))
    values[node.outputs[0]] = try add(layer, named: name, [try resolve(x)], weights, result: node.outputs[0])
    return true
  }

  /// The name of a layer without that of the scope which TensorFlow's function of normalisation makes inside it.
  static func withoutSuffix(_ name: String) -> String {
    let suffix = "_batchnorm"
    return name.hasSuffix(suffix) && name.count > suffix.count ? String(name.dropLast(suffix.count)) : name
  }
}
