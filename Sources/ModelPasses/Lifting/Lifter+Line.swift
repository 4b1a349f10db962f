import ModelGraph
import ModelOps
import ModelTensor

extension Lifter {
  /// A convolution along one axis as TensorFlow and TFLite spell it, over images of height or width 1, `[N, T, C]` as `[N, 1, T, C]`:
  ///
  ///     x ── Unsqueeze(1) ── Conv([1, k, in, out]) ── Squeeze(1)      becomes      x ── Conv([k, in, out])
  ///
  /// with the zeros in front of `x` that make it causal. All arguments are changed to the latter, if they are the former.
  /// - Returns: The last node of it, to be taken.
  mutating func takeLine(_ op: inout ConvOp, _ node: inout Node, _ x: inout ValueID, _ weight: inout Tensor) -> NodeID? {
    guard weight.extents.count == 4, op.kernelLayout != .spatialOutputInput, let wide = self.node(x), let row = wide.input(0),
      let id = soleUser(node.outputs[0]), let axis = inserted(by: wide), axis == inserted(by: source[id])
    else { return nil }
    let flat = axis - 1, kept = 1 - flat
    let strides = op.strides.isEmpty ? [1, 1] : op.strides, dilations = op.dilations.isEmpty ? [1, 1] : op.dilations
    var extents = weight.extents
    guard strides.count == 2, dilations.count == 2, extents.remove(at: op.kernelLayout == .outputInputSpatial ? flat + 2 : flat) == 1
    else { return nil }
    if case .explicit(let before, let after) = op.padding {
      guard before.count == 2, after.count == 2, before[flat] == 0, after[flat] == 0 else { return nil }
      op.padding = .explicit(before: [before[kept]], after: [after[kept]])
    }
    (op.strides, op.dilations) = ([strides[kept]], [dilations[kept]])
    x = row
    weight = weight.reshaped(extents)
    node.outputs = source[id].outputs
    takeCausalZeros(&op, &x, kernel: extents[op.kernelLayout == .outputInputSpatial ? 2 : 0])
    return id
  }

  /// The axis of one element, 1 or 2, that a node puts into `[N, T, C]` or takes out again, by whatever name.
  private func inserted(by node: Node) -> Int? {
    guard let x = node.input(0), let y = node.outputs.first, let from = dims(x), let to = dims(y) else { return nil }
    switch node.op {
    case let op as UnsqueezeOp: return from.count == 3 ? [1, 2].first { op.axes == [$0] || op.axes == [$0 - 4] } : nil
    case let op as SqueezeOp: return to.count == 3 ? [1, 2].first { op.axes == [$0] || op.axes == [$0 - 4] } : nil
    case is ReshapeOp:
      let (line, image) = from.count < to.count ? (from, to) : (to, from)
      guard line.count == 3, image.count == 4, line.dropFirst().allSatisfy({ $0.value != nil }) else { return nil }
      return [1, 2].first { axis in
        var rest = image
        return rest.remove(at: axis) == .fixed(1) && rest.dropFirst() == line.dropFirst()
      }
    default: return nil
    }
  }

  /// Zeros in front of a convolution along one axis, as many as make it causal: then they are its padding.
  private func takeCausalZeros(_ op: inout ConvOp, _ x: inout ValueID, kernel: Int) {
    let (reach, overflow) = (kernel - 1).multipliedReportingOverflow(by: op.dilations[0])
    guard !overflow, op.padding == .valid, op.strides == [1], let pad = node(x), (pad.op as? PadOp)?.mode == .constant,
      pad.input(2) == nil || scalar(pad.input(2)) == 0, pad.input(3) == nil, let row = pad.input(0),
      (try? tensor(pad.input(1))?.array().integers()) == [0, reach, 0, 0, 0, 0]
    else { return }
    op.padding = .explicit(before: [reach], after: [0])
    x = row
  }
}
