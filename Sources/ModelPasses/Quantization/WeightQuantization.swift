import ModelGraph
import ModelOps
import ModelTensor

/// Stores constants of floats as integers.
enum WeightQuantization {
  /// Symmetric 8-bit integers without −128: one scale for each index of `axis`, or one for all.
  ///
  /// - Throws: the error of reading the weights; `GraphError.invalidAttribute` for weights that are no numbers.
  static func symmetric(_ weights: Tensor, axis: Int?) throws -> QuantizedType {
    let values = try weights.array().values(Float.self), extents = weights.extents
    guard values.allSatisfy({ $0.isFinite }) else {
      throw GraphError(.invalidAttribute, "the weights hold numbers that are not finite")
    }
    guard let axis, extents.indices.contains(axis) else {
      return QuantizedType(.int8, Quantization(scales: [scale(values.reduce(0) { max($0, abs($1)) })]))
    }
    let count = extents[axis], inner = extents[(axis + 1)...].reduce(1, *)
    var largest = [Float](repeating: 0, count: count)
    values.withUnsafeBufferPointer { values in
      var place = 0
      while place < values.count {
        let channel = place / inner % count
        var most = largest[channel]
        for i in place..<(place + inner) { most = max(most, abs(values[i])) }
        largest[channel] = most
        place += inner
      }
    }
    guard count > 0 else { return QuantizedType(.int8, Quantization(scales: [1])) }
    return QuantizedType(.int8, Quantization(scales: largest.map(scale), axis: count > 1 ? axis : nil))
  }

  /// Weights of zeros get the scale of ±1.
  private static func scale(_ largest: Float) -> Float {
    let range: Float = Double(largest) < ValueRange.smallest ? 1 : largest
    return (range - -range) / 254
  }

  /// The integers for given scales, made when they are asked for: ±127 at most, halves away from zero.
  static func stored(_ weights: Tensor, as type: QuantizedType) -> Tensor {
    let extents = weights.extents, scales = type.quantization.scales
    let axis = type.isPerAxis ? type.quantization.axis : nil
    let inner = axis.map { extents[($0 + 1)...].reduce(1, *) } ?? max(1, weights.elementCount)
    let inverse = scales.map { 1 / $0 }
    return weights.mapped(to: TensorType(.int8, weights.type.shape)) { array in
      let result = NDArray(uninitialized: .int8, extents)
      array.with(Float.self) { x in
        result.withMutable(Int8.self) { y in
          var place = 0
          while place < x.count {
            let factor = inverse[place / max(1, inner) % inverse.count], end = min(x.count, place + max(1, inner))
            for i in place..<end { y[i] = Int8(max(-127, min(127, (x[i] * factor).rounded(.toNearestOrAwayFromZero)))) }
            place = end
          }
        }
      }
      return result
    }
  }

  static func isFinite(_ constant: Tensor) throws -> Bool {
    try constant.array().with(Float.self) { $0.allSatisfy(\.isFinite) }
  }

  /// The range of a constant of floats.
  static func range(_ constant: Tensor) throws -> ValueRange {
    var low = Float.infinity, high = -Float.infinity
    for value in try constant.array().values(Float.self) {
      guard value.isFinite else { throw GraphError(.invalidAttribute, "a constant holds numbers that are not finite") }
      low = min(low, value)
      high = max(high, value)
    }
    return low <= high ? ValueRange(low: low, high: high) : ValueRange(low: 0, high: 0)
  }

  /// LiteRT's sums of 16-bit activations have 40 bits.
  private static let largestWideBias = 549_755_813_887.0

  /// A bias as integers of the scale of the sums it is added to: int32, or int64 for activations of 16 bits.
  static func bias(_ bias: Tensor, as type: QuantizedType) -> Tensor {
    let scales = type.quantization.scales.map { $0 == 0 ? 0 : 1 / $0 }, extents = bias.extents
    let limit = type.dtype == .int64 ? largestWideBias : 2_147_483_647.0
    return bias.mapped(to: TensorType(type.dtype, bias.type.shape)) { array in
      let steps = array.values(Float.self).enumerated().map { index, value -> Int64 in
        let scaled = Double((value * scales[scales.count == 1 ? 0 : index % scales.count]).rounded(.toNearestOrAwayFromZero))
        return scaled.isNaN ? 0 : Int64(max(-limit, min(limit, scaled)))
      }
      return type.dtype == .int64 ? NDArray(steps, extents) : NDArray(steps.map { Int32(truncatingIfNeeded: $0) }, extents)
    }
  }

  /// Weights whose scales leave room for their bias: a bias far larger than its products does not fit its integers else.
  static func leavingRoom(_ weights: QuantizedType, for bias: Tensor?, input: QuantizedType) throws -> QuantizedType {
    guard let bias, input.dtype == .int8 || input.dtype == .int16 else { return weights }
    let values = try bias.array().values(Float.self)
    guard values.allSatisfy({ $0.isFinite }) else { throw GraphError(.invalidAttribute, "the bias holds numbers that are not finite") }
    var result = weights
    let most = (input.dtype == .int8 ? Double(Int32.max) : largestWideBias) / 2
    for (index, value) in values.enumerated() {
      let place = result.isPerAxis ? index : 0
      guard result.quantization.scales.indices.contains(place) else { break }
      let scale = Double(input.scale) * Double(result.quantization.scales[place])
      if abs(Double(value)) / scale > most { result.quantization.scales[place] = Float(abs(Double(value)) / most / Double(input.scale)) }
    }
    return result
  }

  /// Any constant as integers of a type for activations.
  static func activation(_ constant: Tensor, as type: QuantizedType) -> Tensor {
    constant.mapped(to: TensorType(type.dtype, constant.type.shape)) { try $0.stored(as: type) }
  }
}
