import ModelGraph
import ModelOps
import ModelTensor

extension OperationRules {
  /// Quantisation as arithmetic: Keras has no operation for it.
  static let quantization = OperationFamily(writers: [
    OperationWriteRule(DequantizeLinearOp.self) { op, inputs, writer in
      let x = try inputs.at(0), target = try op.dtype ?? inputs.at(1).dtype
      guard x.dtype.isKeras, op.blockSize == 0 else { throw OperationWriter.unsupported(op, "\(x.dtype), or blocks") }
      let scale = try spread(try inputs.at(1), over: x, axis: op.axis, op, &writer)
      var y = try writer.cast(x, to: .float32)
      if inputs.count > 2, !isZero(inputs[2]) {
        let zero = try writer.cast(try spread(inputs[2], over: x, axis: op.axis, op, &writer), to: .float32)
        y = try writer.binary("Subtract", y, zero)
      }
      return try writer.cast(try writer.binary("Multiply", y, try writer.cast(scale, to: .float32)), to: target)
    },
    OperationWriteRule(QuantizeLinearOp.self) { op, inputs, writer in
      let x = try inputs.at(0)
      let range: (Double, Double)? =
        switch op.dtype {
        case .int8: (-128, 127)
        case .uint8: (0, 255)
        case .int16: (-32768, 32767)
        case .uint16: (0, 65535)
        case .int32: (-0x1p31, 0x1p31 - 1)
        default: nil
        }
      guard let range, op.blockSize == 0 else { throw OperationWriter.unsupported(op, "to \(op.dtype), or in blocks") }
      // All of int32 is exact in float64 only.
      let exact: DType = op.dtype == .int32 ? .float64 : .float32
      let scale = try writer.cast(try spread(try inputs.at(1), over: x, axis: op.axis, op, &writer), to: .float32)
      var y = try writer.call(
        .numpy, "Round", [.tensor(try writer.binary("Divide", try writer.cast(x, to: .float32), scale))], ["decimals": 0])
      y = try writer.cast(y, to: exact)
      if inputs.count > 2, !isZero(inputs[2]) {
        y = try writer.binary("Add", y, try writer.cast(try spread(inputs[2], over: x, axis: op.axis, op, &writer), to: exact))
      }
      let held = try writer.call(.numpy, "Clip", [.tensor(y)], ["x_min": .double(range.0), "x_max": .double(range.1)])
      return try writer.cast(held, to: op.dtype)
    },
    OperationWriteRule(
      DynamicQuantizeLinearOp.self,
      many: { _, inputs, writer in
        guard let x = inputs.first ?? nil else { throw GraphError(.wrongInputCount, "DynamicQuantizeLinear takes a tensor") }
        let zero = try writer.scalar(0, dtype: .float32)
        let low = try writer.minimum(try writer.reduce(.min, x, axes: nil), zero),
          high = try writer.maximum(try writer.reduce(.max, x, axes: nil), zero)
        let width = try writer.div(try writer.sub(high, low), try writer.scalar(255, dtype: .float32))
        let scale = try writer.select(try writer.apply(EqualOp(), high, low), try writer.scalar(1, dtype: .float32), width)
        let place = try writer.apply(RoundOp(), try writer.div(try writer.sub(zero, low), scale))
        let offset = try writer.cast(try writer.clip(place, min: 0, max: 255), to: .uint8)
        return [try writer.apply(QuantizeLinearOp(axis: 0, dtype: .uint8), x, scale, offset), scale, offset]
      }),
    OperationWriteRule(
      ConvIntegerOp.self,
      many: { op, inputs, writer in
        guard let x = inputs.first ?? nil, inputs.count > 1, let w = inputs[1] else {
          throw GraphError(.wrongInputCount, "ConvInteger takes a tensor and weights")
        }
        guard let extents = w.fact.type.shape.extents, let fan = checkedProduct(extents) else {
          throw OperationWriter.unsupported(op, "its weights have no fixed shape")
        }
        // Sums of products of 8-bit integers are exact in a float32 as long as there are no more of them than this.
        let dtype: DType = fan <= 256 ? .float32 : .float64
        var a = try writer.cast(x, to: dtype), b = try writer.cast(w, to: dtype)
        if inputs.count > 2, let zero = inputs[2], !isZero(zero) {
          a = try writer.sub(a, try writer.cast(try scalar(zero, op, &writer), to: dtype))
        }
        if inputs.count > 3, let zero = inputs[3], !isZero(zero) {
          let axis =
            switch op.kernelLayout {
            case .outputInputSpatial: 0
            case .spatialInputOutput: extents.count - 1
            case .spatialOutputInput: extents.count - 2
            }
          b = try writer.sub(b, try writer.cast(try spread(zero, over: w, axis: axis, op, &writer), to: dtype))
        }
        let convolution = ConvOp(
          strides: op.strides, dilations: op.dilations, padding: op.padding, groups: op.groups, layout: op.layout,
          kernelLayout: op.kernelLayout)
        return [try writer.cast(try writer.apply(convolution, a, b), to: .int32)]
      }),
  ])

  /// A scalar, or the one element of a vector.
  private static func scalar(_ tensor: WrittenTensor, _ op: any Op, _ writer: inout OperationWriter) throws -> WrittenTensor {
    guard tensor.fact.type.shape.elementCount == 1 else { throw OperationWriter.unsupported(op, "its zero point is no single number") }
    guard case .constant(let constant) = tensor.source else { return try writer.reshape(tensor, []) }
    return writer.constant(try constant.array().reshaped([]))
  }

  /// One number for each index of `axis`, shaped to broadcast; one number for all stays.
  private static func spread(
    _ tensor: WrittenTensor, over x: WrittenTensor, axis: Int, _ op: any Op, _ writer: inout OperationWriter
  ) throws -> WrittenTensor {
    let rank = try x.rank()
    guard let extents = tensor.fact.type.shape.extents, let count = checkedProduct(extents) else {
      throw OperationWriter.unsupported(op, "the number of its scales is unknown")
    }
    var shape = [Int](repeating: 1, count: count == 1 ? 0 : rank)
    if count != 1 {
      guard extents.count == 1 else { throw OperationWriter.unsupported(op, "scales of shape \(extents)") }
      shape[try normalizeAxis(axis, rank: rank)] = count
    }
    guard case .constant(let constant) = tensor.source else { return try writer.reshape(tensor, shape) }
    return writer.constant(try constant.array().reshaped(shape))
  }
  private static func isZero(_ tensor: WrittenTensor) -> Bool {
    tensor.fact.integers?.allSatisfy { $0 == 0 } ?? false
  }
}
