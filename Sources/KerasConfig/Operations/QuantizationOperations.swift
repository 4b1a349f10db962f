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
      let range: (Double, Double)? = switch op.dtype {
      case .int8: (-128, 127)
      case .uint8: (0, 255)
      case .int16: (-32768, 32767)
      case .uint16: (0, 65535)
      default: nil
      }
      guard let range, op.blockSize == 0 else { throw OperationWriter.unsupported(op, "to \(op.dtype), or in blocks") }
      let scale = try writer.cast(try spread(try inputs.at(1), over: x, axis: op.axis, op, &writer), to: .float32)
      var y = try writer.call(
        .numpy, "Round", [.tensor(try writer.binary("Divide", try writer.cast(x, to: .float32), scale))], ["decimals": 0])
      if inputs.count > 2, !isZero(inputs[2]) {
        y = try writer.binary("Add", y, try writer.cast(try spread(inputs[2], over: x, axis: op.axis, op, &writer), to: .float32))
      }
      let held = try writer.call(.numpy, "Clip", [.tensor(y)], ["x_min": .double(range.0), "x_max": .double(range.1)])
      return try writer.cast(held, to: op.dtype)
    },
  ])

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
