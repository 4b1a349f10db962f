import ModelGraph
import ModelOps
import ModelTensor

/// Layer normalisation as Keras 2 spells it: batch normalisation, without weights, of an image whose channels are the rows.
///
///     x [n…, d] ── Reshape [1, n, d, 1] ── normalised over all but the rows ── Reshape [n…, d] ── Mul gamma ── Add beta
///
/// ONNX files hold a `BatchNormalization` with a mean and a variance that are computed, TFLite its pieces.
extension CompositeMatcher {
  /// The rows' image and what it was made of; axes of `x` that make a row.
  private func rows(_ image: ValueID?) -> (reshape: Node, x: ValueID, axes: [Int])? {
    guard let image, let reshape = node(image), reshape.op is ReshapeOp, let x = reshape.input(0), reshape.input(1) != nil,
      let dims = graph[image].type.shape.dims, dims.count == 4, dims[0].value == 1, dims[3].value == 1, let row = dims[2].value, row > 0,
      let extents = graph[x].type.shape.dims
    else { return nil }
    var axes: [Int] = [], product = 1
    for axis in extents.indices.reversed() where product != row {
      guard let extent = extents[axis].value, extent > 0, row % extent == 0 else { return nil }
      product = product.multipliedReportingOverflow(by: extent).partialValue
      axes.insert(axis, at: 0)
    }
    return product == row && !axes.isEmpty ? (reshape, x, axes) : nil
  }

  private func isFilled(_ id: ValueID?, with number: Double) -> Bool {
    if let tensor = tensor(id), tensor.elementCount <= 1 << 20 {
      return (try? tensor.array().doubles().allSatisfy { $0 == number }) ?? false
    }
    guard let fill = node(id), fill.op is ExpandOp else { return false }
    return scalar(fill.input(0)) == number
  }

  /// What is averaged over these axes, whether they stay or not.
  private func reduced(_ id: ValueID?, _ kind: ReductionKind, over axes: [Int]) -> ValueID? {
    guard var node = node(id) else { return nil }
    if node.op is SqueezeOp || node.op is ReshapeOp, let inner = self.node(node.input(0)) { node = inner }
    guard let op = node.op as? ReduceOp, op.kind == kind, let x = node.input(0), let rank = graph[x].type.shape.rank else { return nil }
    let given = (try? tensor(node.input(1))?.array().integers()) ?? op.axes
    return (try? given?.map { try normalizeAxis($0, rank: rank) }.sorted()) == axes ? x : nil
  }

  private func isCentred(_ id: ValueID?, _ x: ValueID, over axes: [Int]) -> Bool {
    guard let difference = node(id), difference.op is SubOp, difference.input(0) == x else { return false }
    return reduced(difference.input(1), .mean, over: axes) == x
  }

  /// Whether this is the variance of `x` over the axes.
  private func isVariance(_ id: ValueID?, of x: ValueID, over axes: [Int]) -> Bool {
    if let square = reduced(id, .mean, over: axes), let difference = node(square), difference.op is SquaredDifferenceOp {
      return pairs(difference).contains { $0 == x && reduced($1, .mean, over: axes) == x }
    }
    if let square = reduced(id, .mean, over: axes), let inner = node(square)?.input(0), isSquare(square, of: inner) {
      return isCentred(inner, x, over: axes)
    }
    guard let quotient = node(id), quotient.op is DivOp, let total = reduced(quotient.input(0), .sumSquare, over: axes),
      quotient.input(1) != nil
    else { return false }
    return isCentred(total, x, over: axes)
  }

  private mutating func layerNormalized(_ x: ValueID, _ axes: [Int], _ epsilon: Double, like node: Node) -> ValueID {
    let id = graph.append(
      LayerNormalizationOp(axes: axes, epsilon: epsilon), [x, nil, nil], types: [graph[x].type], name: "\(node.name)/LayerNormalization",
      scope: node.scope, origin: node.origin)
    return graph[id].outputs[0]
  }

  mutating func normalizedRows(_ op: BatchNormalizationOp, _ node: Node) -> Found? {
    guard op.axis == 1, let image = node.input(0), let (reshape, x, axes) = rows(image), isFilled(node.input(1), with: 1),
      isFilled(node.input(2), with: 0), reduced(node.input(3), .mean, over: [0, 2, 3]) == image,
      isVariance(node.input(4), of: image, over: [0, 2, 3])
    else { return nil }
    return (reshape.op, [layerNormalized(x, axes, op.epsilon, like: node), reshape.input(1)])
  }

  /// `t · s + (0 − mean · s)` with `s = 1 · 1/√(variance + ε)`, of the image with the rows at the end.
  mutating func centredRows(_ node: Node) -> Found? {
    for (product, shift) in pairs(node) {
      guard let scaled = self.node(product), scaled.op is MulOp, let back = self.node(shift), back.op is SubOp,
        isFilled(back.input(0), with: 0), let moved = self.node(back.input(1)), moved.op is MulOp
      else { continue }
      for (turned, scale) in pairs(scaled) {
        guard let turn = self.node(turned), let order = (turn.op as? TransposeOp)?.permutation, order == [0, 2, 3, 1],
          let (reshape, x, axes) = rows(turn.input(0)),
          pairs(moved).contains(where: { reduced($0, .mean, over: [0, 1, 2]) == turned && $1 == scale }),
          let epsilon = spread(scale, of: turned)
        else { continue }
        let normal = layerNormalized(x, axes, epsilon, like: node)
        let image = graph.append(
          reshape.op, [normal, reshape.input(1)], types: reshape.outputs.map { graph[$0].type }, name: "\(node.name)/Reshape",
          scope: node.scope, origin: node.origin)
        return (turn.op, [graph[image].outputs[0]])
      }
    }
    return nil
  }

  /// The ε of `1 / √(variance + ε)`, perhaps times ones.
  private func spread(_ id: ValueID, of x: ValueID) -> Double? {
    guard var inverse = node(id) else { return nil }
    if inverse.op is MulOp, let other = pairs(inverse).first(where: { isFilled($0.0, with: 1) })?.1, let inner = node(other) {
      inverse = inner
    }
    guard inverse.op is RsqrtOp, let sum = node(inverse.input(0)), sum.op is AddOp else { return nil }
    return pairs(sum).first { isVariance($0.0, of: x, over: [0, 1, 2]) }.flatMap { scalar($0.1) }
  }

  /// A normalisation without weights, of rows that were made an image and are themselves again.
  func unfoldedRows(_ node: Node) -> Found? {
    guard var inner = self.node(node.input(0)) else { return nil }
    if let second = inner.op as? TransposeOp, let first = self.node(inner.input(0)), let order = (first.op as? TransposeOp)?.permutation,
      second.permutation.map({ order.indices.contains($0) ? order[$0] : -1 }) == Array(order.indices), let image = self.node(first.input(0))
    {
      inner = image
    }
    guard inner.op is ReshapeOp, let normal = self.node(inner.input(0)), let op = normal.op as? LayerNormalizationOp,
      normal.input(1) == nil, normal.input(2) == nil, op.resultCount == 1, let from = graph[normal.outputs[0]].type.shape.dims,
      let output = node.outputs.first, let to = graph[output].type.shape.dims, from.count == to.count,
      from.count(where: { $0.value == nil }) <= 1, zip(from, to).allSatisfy({ $0.value == $1.value })
    else { return nil }
    return (op, normal.inputs)
  }
}
