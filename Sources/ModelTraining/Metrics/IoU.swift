import ModelSupport
import ModelTensor
import OrderedCollections

extension Metrics {
  /// Intersection over union, averaged over the classes of interest; targets and predictions are classes' numbers, or one-hot.
  open class IoU: BaseMetric {
    public let numClasses: Int, targetClassIDs: [Int], ignoreClass: Int?, sparseTrue: Bool, sparsePred: Bool, axis: Int
    private let matrix: Variable
    public init(
      numClasses: Int, targetClassIDs: [Int], name: String? = nil, ignoreClass: Int? = nil, sparseYTrue: Bool = true,
      sparseYPred: Bool = true, axis: Int = -1
    ) throws {
      guard numClasses > 0, numClasses < 1 << 15, targetClassIDs.allSatisfy({ $0 >= 0 && $0 < numClasses }) else {
        throw TensorError(.invalidArgument, "IoU: expected classes below \(numClasses), found \(targetClassIDs)")
      }
      self.numClasses = numClasses
      self.targetClassIDs = targetClassIDs
      self.ignoreClass = ignoreClass
      sparseTrue = sparseYTrue
      sparsePred = sparseYPred
      self.axis = axis
      // Integers, as Keras has it: weights lose their fractions.
      matrix = try Variable(
        try Tensor.zeros([numClasses, numClasses], dtype: .int32), name: "total_confusion_matrix", trainable: false)
      try super.init(name: name)
      adopt([matrix])
    }
    open override func updateState(_ yTrue: Tensor, _ yPred: Tensor, sampleWeight: Tensor?) throws {
      let t = try (sparseTrue ? yTrue : try yTrue.argMax(axis: axis)).cast(to: .int32).reshape([-1])
      let p = try (sparsePred ? yPred : try yPred.argMax(axis: axis)).cast(to: .int32).reshape([-1])
      var weight = try Tensor.ones(like: t)
      if let sampleWeight {
        let own = try sampleWeight.cast(to: .int32)
        weight = try weight * (own.rank > 1 ? try own.reshape([-1]) : own)
      }
      let count = Double(numClasses)
      var isCounted = try (try t .>= 0).logicalAnd(try t .< count).logicalAnd(try p .>= 0).logicalAnd(try p .< count)
      if let ignoreClass { isCounted = try isCounted.logicalAnd(try t .!= Double(ignoreClass)) }
      let place = try Tensor.where(isCounted, try t * count + p, 0)
      let values = try Tensor.where(isCounted, weight, 0)
      let counts = try Tensor.scatterAdd(values, at: place, count: numClasses * numClasses)
      try matrix.assignAdd(try counts.reshape([numClasses, numClasses]))
    }
    open override func result() throws -> Tensor {
      let all = matrix.tensor
      let hits = try all.reshape([-1]).gather(targetClassIDs.map { $0 * (numClasses + 1) })
      let sums = try (all.reduceSum(axis: 0) + all.reduceSum(axis: 1)).gather(targetClassIDs)
      let union = try (sums - hits).cast(to: .float32)
      let isThere = try (try union .> 1e-9).cast(to: .float32)
      let shares = try hits.cast(to: .float32) / (union + Metrics.epsilon) * isThere
      return try shares.reduceSum() / (isThere.reduceSum() + Metrics.epsilon)
    }
    open override var ownConfig: OrderedDictionary<String, JSONValue> {
      [
        "num_classes": .int(numClasses), "target_class_ids": .array(targetClassIDs.map { .int($0) }), "ignore_class": ignoreClass.json,
        "sparse_y_true": .bool(sparseTrue), "sparse_y_pred": .bool(sparsePred), "axis": .int(axis),
      ]
    }
  }
  /// `IoU` of probabilities of two classes.
  public final class BinaryIoU: IoU {
    public let threshold: Double
    public init(targetClassIDs: [Int] = [0, 1], threshold: Double = 0.5, name: String? = nil) throws {
      self.threshold = threshold
      try super.init(numClasses: 2, targetClassIDs: targetClassIDs, name: name)
    }
    public override func updateState(_ yTrue: Tensor, _ yPred: Tensor, sampleWeight: Tensor?) throws {
      try super.updateState(yTrue, try (try yPred.cast(to: .float32) .>= threshold).cast(to: .int32), sampleWeight: sampleWeight)
    }
    public override var ownConfig: OrderedDictionary<String, JSONValue> {
      ["target_class_ids": .array(targetClassIDs.map { .int($0) }), "threshold": .double(threshold)]
    }
  }
  /// `IoU` of all classes.
  open class MeanIoU: IoU {
    public init(
      numClasses: Int, name: String? = nil, ignoreClass: Int? = nil, sparseYTrue: Bool = true, sparseYPred: Bool = true, axis: Int = -1
    ) throws {
      try super.init(
        numClasses: numClasses, targetClassIDs: Array(0..<Swift.max(0, numClasses)), name: name, ignoreClass: ignoreClass,
        sparseYTrue: sparseYTrue, sparseYPred: sparseYPred, axis: axis)
    }
    open override var ownConfig: OrderedDictionary<String, JSONValue> {
      var result = super.ownConfig
      result["target_class_ids"] = nil
      return result
    }
  }
  /// `IoU` of one-hot targets.
  public final class OneHotIoU: IoU {
    public init(
      numClasses: Int, targetClassIDs: [Int], name: String? = nil, ignoreClass: Int? = nil, sparseYPred: Bool = false, axis: Int = -1
    ) throws {
      try super.init(
        numClasses: numClasses, targetClassIDs: targetClassIDs, name: name, ignoreClass: ignoreClass, sparseYTrue: false,
        sparseYPred: sparseYPred, axis: axis)
    }
    public override var ownConfig: OrderedDictionary<String, JSONValue> {
      var result = super.ownConfig
      result["sparse_y_true"] = nil
      return result
    }
  }
  /// `MeanIoU` of one-hot targets.
  public final class OneHotMeanIoU: MeanIoU {
    public init(numClasses: Int, name: String? = nil, ignoreClass: Int? = nil, sparseYPred: Bool = false, axis: Int = -1) throws {
      try super.init(
        numClasses: numClasses, name: name, ignoreClass: ignoreClass, sparseYTrue: false, sparseYPred: sparseYPred, axis: axis)
    }
    public override var ownConfig: OrderedDictionary<String, JSONValue> {
      var result = super.ownConfig
      result["sparse_y_true"] = nil
      return result
    }
  }
}
