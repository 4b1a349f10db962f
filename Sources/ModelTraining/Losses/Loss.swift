import ModelSupport
import ModelTensor
import OrderedCollections

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
public protocol Loss: LossIdentifier {
  /// As Keras names it: `mean_squared_error`.
  var name: String { get }
  var reduction: Reduction { get }
  /// The loss of each sample: of the shape of `yPred` without its last axis, as a rule. Its mask leaves losses out.
  func call(_ yTrue: Tensor, _ yPred: Tensor) throws -> Tensor
  /// Its own arguments as Keras writes them, without name and reduction.
  var ownConfig: OrderedDictionary<String, JSONValue> { get }
}

extension Loss {
  public var ownConfig: OrderedDictionary<String, JSONValue> { [:] }

  /// The loss, weighted and reduced as Keras does it.
  ///
  /// - Parameter sampleWeight: broadcasts to the losses of the samples. The mask of `yPred`, if it carries one, leaves steps out.
  public func callAsFunction(_ yTrue: Tensor, _ yPred: Tensor, sampleWeight: Tensor? = nil) throws -> Tensor {
    // As in Keras, losses of half precision would lose class numbers above 2048 and overflow when they are scaled.
    let isHalf = yPred.dtype == .float16 || yPred.dtype == .bfloat16
    let predictions = isHalf ? try yPred.cast(to: .float32) : yPred
    let targets = yTrue.dtype == predictions.dtype || yTrue.dtype == .string ? yTrue : try yTrue.cast(to: predictions.dtype)
    let losses = try call(targets, predictions)
    var mask = yPred.mask
    if let own = losses.mask { mask = try mask.map { try $0.cast(to: .bool).logicalAnd(own) } ?? own }
    return try Weighting.reduce(losses, sampleWeight: sampleWeight, mask: mask, reduction)
  }
}

/// Losses by Keras's names (`keras.losses`): classes and functions.
public enum Losses {
  /// Keras's `epsilon()`: what keeps logarithms and quotients finite.
  static let epsilon = 1e-7
}
