import ModelTensor

/// How the losses of the samples become one number.
public enum Reduction: String, Sendable, CaseIterable {
  case none, sum
  /// The sum divided by the number of losses.
  case sumOverBatchSize = "sum_over_batch_size"
  case mean
  /// The sum divided by the sum of the weights.
  case meanWithSampleWeight = "mean_with_sample_weight"
}

/// How far predictions are from targets, as one number to make small.
public protocol Loss {
  /// As Keras names it: `mean_squared_error`.
  var name: String { get }
  var reduction: Reduction { get }
  /// The loss of each sample: of the shape of `yPred` without its last axis, as a rule.
  func call(_ yTrue: Tensor, _ yPred: Tensor) throws -> Tensor
}

extension Loss {
  /// The loss, weighted and reduced as Keras does it.
  ///
  /// - Parameter sampleWeight: broadcasts to the losses of the samples. The mask of `yPred`, if it carries one, leaves steps out.
  public func callAsFunction(_ yTrue: Tensor, _ yPred: Tensor, sampleWeight: Tensor? = nil) throws -> Tensor {
    let targets = yTrue.dtype == yPred.dtype || yTrue.dtype == .string ? yTrue : try yTrue.cast(to: yPred.dtype)
    return try Weighting.reduce(try call(targets, yPred), sampleWeight: sampleWeight, mask: yPred.mask, reduction)
  }
}

/// Weights and masks of losses and metrics, as `keras.src.losses.loss` defines them.
public enum Weighting {
  public static func reduce(_ values: Tensor, sampleWeight: Tensor? = nil, mask: Tensor? = nil, _ reduction: Reduction) throws -> Tensor {
    var values = values
    var weight = try merge(sampleWeight, mask, like: values, reduction)
    if let given = weight {
      let (a, b) = try sameRank(values, try given.cast(to: values.dtype))
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
    guard values.size >= 0 else { throw TensorError(.symbolic, "a loss over an unknown number of samples") }
    return values.size == 0 ? sum : try sum / Double(values.size)
  }

  /// A mask as weights; those of a mean make up for the steps that are left out.
  public static func merge(_ weight: Tensor?, _ mask: Tensor?, like values: Tensor, _ reduction: Reduction) throws -> Tensor? {
    guard let mask else { return weight }
    var scaled = try mask.cast(to: values.dtype)
    if reduction == .mean || reduction == .sumOverBatchSize {
      let valid = try scaled.reduceSum()
      scaled = try scaled * (try Tensor.full([], Double(scaled.size), dtype: values.dtype).divideNoNaN(valid))
    }
    guard let weight else { return scaled }
    let (a, b) = try sameRank(scaled, try weight.cast(to: values.dtype))
    return try a * b
  }

  /// Drops or adds a last axis of extent 1 where one has it and the other does not.
  public static func sameRank(_ a: Tensor, _ b: Tensor) throws -> (Tensor, Tensor) {
    if a.rank == b.rank { return (a, b) }
    if a.rank == b.rank + 1 {
      if a.shape.last == 1 { return (b.rank == 1 ? try a.squeeze(axis: -1) : a, b.rank == 1 ? b : try b.expandDims(axis: -1)) }
      return (a, try b.expandDims(axis: -1))
    }
    if b.rank == a.rank + 1 {
      if b.shape.last == 1 { return (a, try b.squeeze(axis: -1)) }
      return (try a.expandDims(axis: -1), b)
    }
    return (a, b)
  }
}
