import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

extension OperationRules {
  /// A transposed convolution as what it is: a convolution, with the weights turned round, of the input with zeros between its elements.
  ///
  /// `keras.ops.conv_transpose` is no way to say it: the operation hands padding and output padding to TensorFlow in the other's place,
  /// so that no network with one runs (Keras 3.15, `ConvTranspose.call`). The layer `Conv2DTranspose` has no such fault.
  static var transposedWriter: OperationWriteRule {
    OperationWriteRule(
      ConvTransposeOp.self,
      many: { op, inputs, writer in
        guard let x = inputs.first ?? nil, inputs.count > 1, var w = inputs[1] else {
          throw GraphError(.wrongInputCount, "ConvTranspose takes a tensor and weights")
        }
        let rank = try x.rank() - 2
        guard op.layout == .channelsLast, op.groups == 1, op.kernelLayout == .spatialOutputInput || op.kernelLayout == .spatialInputOutput,
          rank >= 1, let shape = w.fact.type.shape.extents, shape.count == rank + 2
        else { throw OperationWriter.unsupported(op, "it has groups, or weights in an order that Keras does not take") }
        let dilations = op.dilations.isEmpty ? Array(repeating: 1, count: rank) : op.dilations
        let spread = try spread(x, op, w, dilations, &writer)
        w = try writer.apply(ReverseOp(axes: Array(0..<rank)), w)
        if op.kernelLayout == .spatialOutputInput { w = try writer.apply(TransposeOp(permutation: Array(0..<rank) + [rank + 1, rank]), w) }
        var y = try writer.call(
          .nn, "Conv", [.tensor(spread), .tensor(w)],
          [
            "strides": 1, "padding": "valid", "data_format": "channels_last",
            "dilation_rate": dilations.allSatisfy { $0 == 1 } ? 1 : dilations.configValue,
          ])
        if inputs.count > 2, let bias = inputs[2] { y = try writer.binary("Add", y, bias) }
        return [y]
      })
  }

  /// `x` with `stride - 1` zeros between neighbours, and around them as many as make a plain convolution give what the padding leaves.
  private static func spread(
    _ x: WrittenTensor, _ op: ConvTransposeOp, _ w: WrittenTensor, _ dilations: [Int], _ writer: inout OperationWriter
  ) throws -> WrittenTensor {
    let rank = dilations.count, strides = op.strides.isEmpty ? Array(repeating: 1, count: rank) : op.strides
    guard let wanted = try op.infer([x.fact, w.fact])[0].shape.dims, let given = x.fact.type.shape.dims, wanted.count == rank + 2,
      let window = w.fact.type.shape.extents, let channels = given[rank + 1].value,
      let extents = Shape.ranked(Array(given[1...rank])).extents, let lengths = Shape.ranked(Array(wanted[1...rank])).extents,
      extents.allSatisfy({ $0 > 0 }), strides.count == rank
    else { throw OperationWriter.unsupported(op, "its extents are unknown") }
    var apart = [-1], joined = [-1], gaps = [0], before: [Int] = [], after: [Int] = []
    var key = [OperationWriter.slice(nil, nil)]
    for axis in 0..<rank {
      let reach = (window[axis] - 1) * dilations[axis], inner = (extents[axis] - 1) * strides[axis] + 1
      let extra = axis < op.outputPadding.count ? op.outputPadding[axis] : 0
      var cut = max(0, inner + reach + extra - lengths[axis]) / 2
      switch op.padding {
      case .explicit(let front, _) where op.outputShape == nil && axis < front.count: cut = front[axis]
      case .valid where op.outputShape == nil: cut = 0
      case .sameLower: throw OperationWriter.unsupported(op, "it pads before rather than behind")
      default: break
      }
      let front = reach - cut, back = lengths[axis] + reach - inner - front
      apart += [extents[axis], 1]
      joined.append(extents[axis] * strides[axis])
      gaps += [0, strides[axis] - 1]
      before.append(max(0, front))
      after.append(max(0, back))
      key.append(OperationWriter.slice(max(0, -front), inner - max(0, -back)))
    }
    var y = x
    if strides.contains(where: { $0 > 1 }) {
      y = try writer.reshape(y, apart + [channels])
      y = try writer.pad(y, before: Array(repeating: 0, count: gaps.count + 1), after: gaps + [0], value: 0)
      y = try writer.reshape(y, joined + [channels])
    }
    return try spatialPad(try writer.getItem(y, key), before, after, value: 0, &writer)
  }
}
