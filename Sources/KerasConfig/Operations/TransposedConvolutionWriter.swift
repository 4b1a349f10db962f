import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

extension OperationRules {
  /// A transposed convolution as `keras.ops.conv_transpose`; where its padding is no word of Keras, cut out of the whole.
  static var transposedWriter: OperationWriteRule {
    OperationWriteRule(
      ConvTransposeOp.self,
      many: { op, inputs, writer in
        guard let x = inputs.first ?? nil, inputs.count > 1, var w = inputs[1] else {
          throw GraphError(.wrongInputCount, "ConvTranspose takes a tensor and weights")
        }
        let rank = try x.rank() - 2
        guard op.layout == .channelsLast, op.groups == 1, !op.dilations.contains(where: { $0 != 1 }),
          op.kernelLayout == .spatialOutputInput || op.kernelLayout == .spatialInputOutput, rank >= 1,
          let shape = w.fact.type.shape.extents, shape.count == rank + 2
        else { throw OperationWriter.unsupported(op, "it has groups, dilations, or weights in an order that Keras does not take") }
        if op.kernelLayout == .spatialInputOutput { w = try writer.transpose(w, Array(0..<rank) + [rank + 1, rank]) }
        let strides = op.strides.isEmpty ? Array(repeating: 1, count: rank) : op.strides, window = Array(shape.prefix(rank))
        let isPlain = op.outputShape == nil && !op.outputPadding.contains { $0 != 0 }
        // Keras makes no output shorter than the strides ask for.
        let isWide = zip(window, strides).allSatisfy { $0 >= $1 }
        let isWord = isPlain && (op.padding == .same || op.padding == .valid && isWide)
        var y = try writer.call(
          .nn, "ConvTranspose", [.tensor(x), .tensor(w)],
          [
            "strides": strides.configValue, "padding": .string(isWord && op.padding == .same ? "same" : "valid"),
            "output_padding": .null, "data_format": "channels_last", "dilation_rate": 1,
          ])
        if !isWord { y = try cut(y, op, x, w, window, strides, &writer) }
        if inputs.count > 2, let bias = inputs[2] { y = try writer.binary("Add", y, bias) }
        return [y]
      })
  }

  /// The part of the whole that the padding leaves.
  private static func cut(
    _ whole: WrittenTensor, _ op: ConvTransposeOp, _ x: WrittenTensor, _ w: WrittenTensor, _ window: [Int], _ strides: [Int],
    _ writer: inout OperationWriter
  ) throws -> WrittenTensor {
    let rank = strides.count
    var plain = op
    plain.kernelLayout = .spatialOutputInput
    guard let wanted = try plain.infer([x.fact, w.fact])[0].shape.dims, let given = x.fact.type.shape.dims, wanted.count == rank + 2 else {
      throw OperationWriter.unsupported(op, "its extents are unknown")
    }
    var key = [OperationWriter.slice(nil, nil)]
    for axis in 0..<rank {
      guard let extent = given[axis + 1].value, let length = wanted[axis + 1].value, extent > 0 else {
        throw OperationWriter.unsupported(op, "its extents are unknown")
      }
      let full = (extent - 1) * strides[axis] + window[axis] + (axis < op.outputPadding.count ? op.outputPadding[axis] : 0)
      let reach = max(extent * strides[axis], (extent - 1) * strides[axis] + window[axis])
      var before = max(0, full - length) / 2
      switch op.padding {
      case .explicit(let front, _) where op.outputShape == nil && axis < front.count: before = front[axis]
      case .valid where op.outputShape == nil: before = 0
      case .sameLower: throw OperationWriter.unsupported(op, "it pads before rather than behind")
      default: break
      }
      guard before >= 0, before + length <= reach else { throw OperationWriter.unsupported(op, "it reaches beyond what Keras computes") }
      key.append(OperationWriter.slice(before, before + length))
    }
    return try writer.getItem(whole, key)
  }
}
