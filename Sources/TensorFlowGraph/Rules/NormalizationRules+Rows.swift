import ModelGraph
import ModelOps

extension GraphContext {
  /// Keras 2 spells layer normalisation as batch normalisation of an image whose channels are the rows, without weights:
  ///
  ///     s [n…, d] ── Reshape [1, n, d, 1] ── FusedBatchNorm (training, scale 1, offset 0)
  ///
  /// - Returns: the normalised rows in the image's shape; `nil` for anything else.
  mutating func rowsNormalized(
    _ image: ValueID, _ scale: ValueID, _ offset: ValueID, _ op: BatchNormalizationOp
  ) throws -> ValueID? {
    guard op.axis == 1, let reshape = graph.producer(of: image).map({ graph[$0] }), let kind = reshape.op as? ReshapeOp,
      let source = reshape.inputs[0], let shape = reshape.inputs[1], isFilled(scale, with: 1), isFilled(offset, with: 0),
      let dims = type(of: image).shape.dims, dims.count == 4, dims[0].value == 1, dims[3].value == 1, let row = dims[2].value, row > 0,
      let extents = type(of: source).shape.dims
    else { return nil }
    // As many trailing axes as make a row.
    var axes: [Int] = [], product = 1
    for axis in extents.indices.reversed() where product != row {
      guard let extent = extents[axis].value, extent > 0, row % extent == 0 else { return nil }
      product = product.multipliedReportingOverflow(by: extent).partialValue
      axes.insert(axis - extents.count, at: 0)
    }
    guard product == row, !axes.isEmpty else { return nil }
    return try apply(kind, try apply(LayerNormalizationOp(axes: axes, epsilon: op.epsilon), source), shape)
  }

  /// Whether all elements are one number, whatever the shape.
  private func isFilled(_ value: ValueID, with number: Double) -> Bool {
    if let known = try? fact(of: value).constant?.array().doubles() { return known.allSatisfy { $0 == number } }
    guard let node = graph.producer(of: value).map({ graph[$0] }), node.op is ExpandOp, let source = node.inputs[0] else { return false }
    return (try? fact(of: source).constant?.array().doubles()) == [number]
  }
}
