import ModelTensor

/// Weights and masks of losses and metrics, as `keras.src.losses.loss` defines them.
public enum Weighting {
  public static func reduce(_ values: Tensor, sampleWeight: Tensor? = nil, mask: Tensor? = nil, _ reduction: Reduction) throws -> Tensor {
    var values = values
    var weight = try merge(sampleWeight, mask, like: values, reduction)
    if let given = weight {
      let (a, b) = try spread(values, try given.cast(to: values.dtype))
      values = try a * b
      weight = b
    }
    guard reduction != .none, values.rank > 0, values.shape != [0] else { return values }
    let sum = try values.reduceSum()
    switch reduction {
    case .none, .sum: return sum
    case .meanWithSampleWeight:
      if let weight { return try sum.divideNoNaN(try weight.reduceSum()) }
    case .sumOverBatchSize, .mean: break
    }
    return try sum.divideNoNaN(try count(of: values))
  }

  /// The number of elements as a scalar of the tensor's dtype, known or not before it runs.
  static func count(of values: Tensor) throws -> Tensor {
    if values.size >= 0 { return try Tensor.scalar(Double(values.size), dtype: values.dtype) }
    return try values.shapeTensor().reduceProd().cast(to: values.dtype)
  }

  /// A mask as weights; those of a mean make up for the steps that are left out.
  public static func merge(_ weight: Tensor?, _ mask: Tensor?, like values: Tensor, _ reduction: Reduction) throws -> Tensor? {
    guard let mask else { return weight }
    var scaled = try mask.cast(to: values.dtype)
    if reduction == .mean || reduction == .sumOverBatchSize {
      let valid = try scaled.reduceSum()
      scaled = try scaled * (try count(of: scaled)).divideNoNaN(valid)
    }
    guard let weight else { return scaled }
    let (a, b) = try spread(scaled, try weight.cast(to: values.dtype))
    return try a * b
  }

  /// Drops or adds a last axis of extent 1 where one has it and the other does not.
  public static func sameRank(_ a: Tensor, _ b: Tensor, expandsVectors: Bool = true) throws -> (Tensor, Tensor) {
    if a.rank == b.rank + 1, a.shape.last == 1 {
      return b.rank == 1 && expandsVectors ? (a, try b.expandDims(axis: -1)) : (try a.squeeze(axis: -1), b)
    }
    if b.rank == a.rank + 1, b.shape.last == 1 {
      return a.rank == 1 && expandsVectors ? (try a.expandDims(axis: -1), b) : (a, try b.squeeze(axis: -1))
    }
    return (a, b)
  }

  /// The same for weights, which may also be one for each row of the values where they could not be multiplied otherwise.
  static func spread(_ values: Tensor, _ weight: Tensor) throws -> (Tensor, Tensor) {
    let (a, b) = try sameRank(values, weight)
    guard b.rank > 0, b.rank < a.rank, b.shape.last != a.shape.last, b.shape.last != 1, Array(a.shape.prefix(b.rank)) == b.shape else {
      return (a, b)
    }
    return (a, try b.reshape(b.shape + Array(repeating: 1, count: a.rank - b.rank)))
  }
}
