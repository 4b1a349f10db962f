import ModelSupport
import OrderedCollections

extension Losses {
  /// The cross-entropy of probabilities (or logits) of classes; targets are the classes' numbers.
  public struct SparseCategoricalCrossentropy: Loss {
    public let fromLogits: Bool, ignoreClass: Int?, axis: Int
    public let name: String, reduction: Reduction
    public init(
      fromLogits: Bool = false, ignoreClass: Int? = nil, axis: Int = -1, reduction: Reduction = .sumOverBatchSize,
      name: String = "sparse_categorical_crossentropy"
    ) {
      self.fromLogits = fromLogits
      self.ignoreClass = ignoreClass
      self.axis = axis
      self.name = name
      self.reduction = reduction
    }
    public func call(_ yTrue: Tensor, _ yPred: Tensor) throws -> Tensor {
      try Losses.sparseCategoricalCrossentropy(yTrue, yPred, fromLogits: fromLogits, ignoreClass: ignoreClass, axis: axis)
    }
    public var ownConfig: OrderedDictionary<String, JSONValue> {
      var config: OrderedDictionary<String, JSONValue> = ["from_logits": .bool(fromLogits), "ignore_class": ignoreClass.json]
      // Keras takes it, but early releases of Keras 3 have no other axis than the last.
      if axis != -1 { config["axis"] = .int(axis) }
      return config
    }
  }
  /// - Throws: `TensorError` for a class that there is not, as far as targets have values.
  public static func sparseCategoricalCrossentropy(
    _ yTrue: Tensor, _ yPred: Tensor, fromLogits: Bool = false, ignoreClass: Int? = nil, axis: Int = -1
  ) throws -> Tensor {
    let last = yPred.rank - 1, place = axis < 0 ? axis + yPred.rank : axis
    var t = yTrue, p = yPred
    if t.rank == p.rank, t.shape.indices.contains(place), t.shape[place] == 1 { t = try t.squeeze(axis: place) }
    guard place == last, t.rank == last else {
      throw TensorError(
        .shapeMismatch,
        "sparse categorical cross-entropy: expected class numbers for the last axis of \(yPred.type), found targets \(yTrue.type)")
    }
    // Classes that are left out are taken out of what the model gives; that is another tensor then, without logits behind it.
    var logits = ignoreClass == nil ? p.logits ?? (fromLogits ? p : nil) : fromLogits ? p : p.softmaxLogits
    var valid: Tensor?
    if let ignoreClass {
      let isValid = try t .!= Double(ignoreClass)
      valid = isValid
      t = try Tensor.where(isValid, t, 0)
      p = try Tensor.where(try isValid.expandDims(axis: -1), logits ?? p, 0)
      if logits != nil { logits = p }
    }
    let x = try logits ?? p.clip(min: epsilon, max: 1 - epsilon).log()
    var classes = try t.cast(to: .int64)
    if !classes.isSymbolic, let count = x.shape.last, let found = try classes.scalars(Int64.self).first(where: { $0 < 0 || $0 >= count }) {
      throw TensorError(.outOfRange, "sparse categorical cross-entropy: class \(found) of \(count)")
    }
    // Gathering counts negative places from the end; a class beyond the last one is an error.
    if classes.isSymbolic, let count = x.shape.last { classes = try Tensor.where(try classes .< 0, Double(count), classes) }
    var result = try -x.logSoftmax().takeAlong(try classes.expandDims(axis: -1)).squeeze(axis: -1)
    if let valid {
      result = try Tensor.where(valid, result, 0)
      result.mask = valid
    }
    return result
  }
}
