import FlatBufferWire
import ModelSupport
import ModelTensor

// LiteRT's interpreter builder says which parameters are valid; what it refuses is refused here too.

extension TFLiteFile {
  /// How a tensor's numbers stand for real ones; `nil` when they stand for themselves.
  func quantization(of tensor: TFLiteTensor, subgraph: Int) throws -> Quantization? {
    guard let parameters = tensor.quantization else { return nil }
    return try within("quantization") {
      let shape = (tensor.shape ?? []).map { Int($0) }
      switch parameters.details {
      case .blockwiseQuantization(let details):
        return try separate(details.scales, details.zeroPoints, block: details.blockSize, axes: [], shape, subgraph)
      case .multiAxisQuantization(let details):
        let axes = details.quantizedDimensions ?? []
        return try separate(details.scales, details.zeroPoints, block: details.blockSize, axes: axes, shape, subgraph)
      case .none, .customQuantization, .unknown:
        return try affine(parameters, shape)
      }
    }
  }

  private func affine(_ parameters: QuantizationParameters, _ shape: [Int]) throws -> Quantization? {
    guard let scales = parameters.scale, !scales.isEmpty else { return nil }
    let zeroPoints = parameters.zeroPoint ?? []
    guard zeroPoints.count == scales.count else {
      throw FormatError(.sizeMismatch, "expected a zero point for each of \(scales.count) scales, found \(zeroPoints.count)")
    }
    // A vector has one axis only: biases that name that of their weights are those of TensorFlow Lite Micro's first networks.
    let isVector = shape.count == 1 && scales.count > 1 && scales.count == shape[0] && parameters.quantizedDimension > 0
    let axis = isVector ? 0 : Int(parameters.quantizedDimension)
    guard axis >= 0, shape.isEmpty || axis < shape.count else {
      throw FormatError(.invalidValue, "expected a quantised dimension below \(shape.count), found \(axis)")
    }
    if scales.count == 1 { return Quantization(scales: scales, zeroPoints: zeroPoints) }
    guard axis < shape.count, scales.count == shape[axis] else {
      let extent = axis < shape.count ? String(shape[axis]) : "no"
      throw FormatError(.sizeMismatch, "expected 1 or \(extent) scales, found \(scales.count)")
    }
    return Quantization(scales: scales, zeroPoints: zeroPoints.contains { $0 != 0 } ? zeroPoints : [], axis: axis)
  }

  /// Scales that are the values of another tensor, one for a block of one axis.
  private func separate(
    _ scales: Int32, _ zeroPoints: Int32, block: Int32, axes: [Int32], _ shape: [Int], _ subgraph: Int
  ) throws -> Quantization {
    let (values, extents) = try parameters(scales, "scales", subgraph)
    let zeros = zeroPoints < 0 ? nil : try parameters(zeroPoints, "zero points", subgraph).values
    guard block >= 0, let count = checkedProduct(shape), count > 0 else {
      throw FormatError(.invalidValue, "expected quantisation in blocks of a tensor with elements, found blocks of \(block)")
    }
    if let zeros, zeros.count != values.count {
      throw FormatError(.sizeMismatch, "expected a zero point for each of \(values.count) scales, found \(zeros.count)")
    }
    let points = zeros.map { $0.map { Int64($0.rounded().clamped(to: -1e15...1e15)) } } ?? []
    let floats = values.map { Float($0) }
    if block == 0 {
      guard axes.count == 1, let axis = axes.first.map({ Int($0) }), shape.indices.contains(axis), values.count == shape[axis] else {
        throw UnsupportedError("\(path): scales along the axes \(axes) of a tensor \(shape) together are not supported")
      }
      return Quantization(scales: floats, zeroPoints: points, axis: axis)
    }
    // The axis that is divided shows in the scales' shape; scales in one row divide the last axis.
    let axis = shape.indices.first { axis in
      var blocks = shape
      blocks[axis] /= Int(block)
      return blocks == extents && shape[axis] % Int(block) == 0
    }
    guard let axis = axis ?? shape.indices.last, shape[axis] % Int(block) == 0, count / Int(block) == values.count else {
      throw FormatError(.sizeMismatch, "expected a scale for each block of \(block) in a tensor \(shape), found scales \(extents)")
    }
    return Quantization(scales: floats, zeroPoints: points, axis: axis, block: Int(block))
  }

  private func parameters(_ index: Int32, _ name: String, _ subgraph: Int) throws -> (values: [Double], extents: [Int]) {
    guard let index = Int(exactly: index), index >= 0, (try entry(index, subgraph)).quantization?.details.type ?? 0 == 0,
      let tensor = try tensor(index, subgraph: subgraph), tensor.dtype.isFloatingPoint || tensor.dtype.isInteger
    else { throw FormatError(.missingReference, "expected a constant tensor of \(name), found the index \(index)") }
    return (try tensor.array().doubles(), tensor.extents)
  }
}

extension Double {
  fileprivate func clamped(to range: ClosedRange<Double>) -> Double {
    isNaN ? 0 : Swift.min(Swift.max(self, range.lowerBound), range.upperBound)
  }
}
