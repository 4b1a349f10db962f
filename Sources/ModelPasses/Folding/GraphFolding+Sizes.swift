import ModelGraph
import ModelOps
import ModelTensor

extension GraphFolding {
  /// Replaces computed sizes of a resized image by factors, where they are multiples of the image's own extents.
  ///
  ///     x ── Shape ── Slice ── Mul(2) ── Resize(x, sizes)      becomes      x ── Resize(x, scales: 2)
  mutating func simplifySizes(_ id: NodeID) throws {
    let node = context.graph[id]
    guard let op = node.op as? ResizeOp, op.aspect == .stretch, op.coordinateMode != .tfCropAndResize, node.inputs.count > 3,
      let x = node.inputs[0], let sizes = node.inputs[3], fact(sizes).integers == nil, let extents = trace(sizes),
      let dims = context.graph[x].type.shape.dims
    else { return }
    let axes = (op.axes ?? Array(dims.indices)).map { $0 < 0 ? $0 + dims.count : $0 }
    guard axes.count == extents.count, axes.allSatisfy(dims.indices.contains) else { return }
    var scales: [Float] = []
    for (axis, extent) in zip(axes, extents) {
      switch extent {
      case .known(let size):
        guard let own = dims[axis].value, own > 0, size > 0, size % own == 0 else { return }
        scales.append(Float(size / own))
      case .product(let factor, let places):
        guard factor > 0, places.count == 1, isSame(.axis(places[0].value, places[0].axis), x, axis) else { return }
        scales.append(Float(factor))
      default:
        guard isSame(extent, x, axis) else { return }
        scales.append(1)
      }
    }
    let changed = scales.indices.filter { scales[$0] != 1 }
    guard !changed.isEmpty else { return rewrite(id, to: IdentityOp(), [x]) }
    var scaled = op
    scaled.axes = changed.map { axes[$0] }
    let constant = context.graph.addConstant(
      Tensor(NDArray(changed.map { scales[$0] }, [changed.count])), name: context.graph[node.outputs[0]].name + "/scales")
    rewrite(id, to: scaled, [x, node.inputs[1], constant])
    try sharpen(id)
  }
}
