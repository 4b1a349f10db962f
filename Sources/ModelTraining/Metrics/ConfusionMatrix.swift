import ModelTensor

/// The four counts of a confusion matrix at several thresholds (Keras's `update_confusion_matrix_variables`).
struct ConfusionMatrix {
  enum Count { case truePositives, falsePositives, trueNegatives, falseNegatives }

  /// More would serve nobody; numbers of thresholds come from files too.
  static let mostThresholds = 1 << 20

  let thresholds: [Double]
  /// Whether counts are kept for each label.
  var isMultiLabel = false
  var topK: Int?
  var classID: Int?
  var labelWeights: [Double]?
  /// Whether the thresholds, but for their ends, lie evenly between 0 and 1: then predictions are sorted into buckets.
  let isEven: Bool

  init(thresholds: [Double], isEven: Bool? = nil) {
    self.thresholds = thresholds
    self.isEven = isEven ?? Self.areEven(thresholds)
  }
  private static func areEven(_ thresholds: [Double]) -> Bool {
    guard thresholds.count >= 3 else { return false }
    return thresholds.enumerated().allSatisfy { index, threshold in
      let even = Double(Float(index) / Float(thresholds.count - 1))
      return Swift.abs(threshold - even) <= 1e-7 + 1e-5 * Swift.abs(even)
    }
  }
  /// Checked as Keras checks them: nothing given is 0.5.
  static func thresholds(_ given: [Double], or fallback: Double = 0.5) throws -> [Double] {
    if let wrong = given.first(where: { !($0 >= 0 && $0 <= 1) }) {
      throw TensorError(.invalidArgument, "expected thresholds from 0 to 1, found \(wrong)")
    }
    return given.isEmpty ? [fallback] : given
  }

  func update(_ targets: [(Count, Variable)], _ yTrue: Tensor, _ yPred: Tensor, sampleWeight: Tensor?) throws {
    var (p, t) = try Weighting.sameRank(try yPred.cast(to: .float32), try yTrue.cast(to: .float32))
    var weight = sampleWeight
    if let given = weight {
      weight = try Weighting.sameRank(t, try given.cast(to: .float32).expandDims(axis: -1), expandsVectors: false).1
    }
    if let topK {
      let classes = p.shape.last ?? 0
      let mask = try p.topK(topK).indices.oneHot(depth: classes).reduceSum(axis: -2)
      p = try p * mask + (1 - mask) * -1e10
    }
    if let classID {
      guard p.rank > 1, let classes = p.shape.last, classID >= 0, classes < 0 || classID < classes else {
        throw TensorError(.outOfRange, "class \(classID) of predictions of type \(p.type)")
      }
      t = try t[Axis.rest, classID..<(classID + 1)]
      p = try p[Axis.rest, classID..<(classID + 1)]
    }
    if let given = weight { weight = try given * Tensor.ones(like: p) }
    if let labelWeights {
      let own = try Tensor(labelWeights).cast(to: .float32) * Tensor.ones(like: p)
      weight = try weight.map { try $0 * own } ?? own
    }
    t = try (try t .!= 0).cast(to: .float32)
    let counts = isEven ? try buckets(t, p, weight) : try comparisons(t, p, weight)
    for (count, variable) in targets { try variable.assignAdd(counts[count] ?? Tensor.zeros(like: variable)) }
  }

  /// Each prediction against each threshold.
  private func comparisons(_ t: Tensor, _ p: Tensor, _ weight: Tensor?) throws -> [Count: Tensor] {
    let count = thresholds.count
    func laid(_ x: Tensor) throws -> Tensor { isMultiLabel ? try x.expandDims(axis: 0) : try x.reshape([1, -1]) }
    let limits = try Tensor(thresholds).cast(to: .float32).reshape(isMultiLabel ? [count, 1, 1] : [count, 1])
    let positive = try (try laid(p) .> limits).cast(to: .float32), negative = try 1 - positive
    var label = try laid(t), other = try 1 - label
    if let weight {
      let own = try laid(weight)
      // Not a product: an infinite weight of what is not counted does not matter.
      label = try Tensor.where(try label .> 0, own, 0)
      other = try Tensor.where(try other .> 0, own, 0)
    }
    func sum(_ a: Tensor, _ b: Tensor) throws -> Tensor { try (a * b).reduceSum(axis: 1) }
    return try [
      .truePositives: sum(positive, label), .falsePositives: sum(positive, other), .falseNegatives: sum(negative, label),
      .trueNegatives: sum(negative, other),
    ]
  }

  /// Each prediction in the bucket between two thresholds, and sums over the buckets above.
  private func buckets(_ t: Tensor, _ p: Tensor, _ weight: Tensor?) throws -> [Count: Tensor] {
    let count = thresholds.count
    let held = try p.clip(min: 0, max: 1)
    var index = try (held * Double(count - 1)).ceil() - 1
    // With ends a little outside, the first bucket takes what is zero too; else it belongs to none.
    if (thresholds.first ?? 0) < 0 || (thresholds.last ?? 1) > 1 { index = try index.relu() }
    let label = try weight.map { try t * $0 } ?? t, other = try weight.map { try (1 - t) * $0 } ?? (1 - t)
    let labels = isMultiLabel ? p.shape.last ?? 0 : 1
    // One bucket more for what belongs to none.
    let whole = try Tensor.where(try index .< 0, Double(count), index).cast(to: .int64)
    var place = whole
    if isMultiLabel { place = try whole + Tensor((0..<labels).map { Int64($0 * (count + 1)) }) }
    func above(_ x: Tensor) throws -> (sums: Tensor, total: Tensor) {
      let sums = try Tensor.scatterAdd(try x.reshape([-1]), at: try place.reshape([-1]), count: labels * (count + 1))
      let rows = try sums.reshape([labels, count + 1])[Axis.all, 0..<count].cumSum(axis: 1, reverse: true)
      let total = isMultiLabel ? try x.reduceSum(axis: 0) : try x.reduceSum()
      return (isMultiLabel ? try rows.transpose() : try rows.reshape([count]), total)
    }
    let (tp, positives) = try above(label), (fp, negatives) = try above(other)
    return try [.truePositives: tp, .falsePositives: fp, .falseNegatives: positives - tp, .trueNegatives: negatives - fp]
  }
}
