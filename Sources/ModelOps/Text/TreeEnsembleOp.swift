import ModelGraph
import ModelTensor

/// How a node of a tree decides.
public enum TreeComparison: Int, Sendable, CaseIterable {
  case lessOrEqual, less, greaterOrEqual, greater, equal, notEqual, member
}

/// How the leaves that a sample reaches make one number per target.
public enum TreeAggregate: Int, Sendable, AttributeConvertible {
  case average, sum, minimum, maximum
  public var attributeValue: AttributeValue { .int(rawValue) }
}

/// Decision trees (ONNX-ML TreeEnsemble): `[N, features]` floats to `[N, targetCount]`.
///
/// The nodes stand in one list. A child is a node's number, or `-1 - i` for leaf `i`; a root likewise.
public struct TreeEnsembleOp: PrimitiveOp {
  public static let name = "TreeEnsemble"
  public static let family = OpFamily.text
  public var features: [Int]
  /// Raw values of `TreeComparison`.
  public var comparisons: [Int]
  public var thresholds: [Double]
  /// For the nodes that test membership, the set; empty lists elsewhere, or no lists at all.
  public var members: [[Double]]
  public var trueChildren: [Int]
  public var falseChildren: [Int]
  /// Whether NaN takes the true branch; empty for never.
  public var missingTracksTrue: [Int]
  public var roots: [Int]
  public var leafTargets: [Int]
  public var leafWeights: [Double]
  public var targetCount: Int
  public var aggregate: TreeAggregate
  public init(
    features: [Int], comparisons: [Int], thresholds: [Double], members: [[Double]] = [], trueChildren: [Int],
    falseChildren: [Int], missingTracksTrue: [Int] = [], roots: [Int], leafTargets: [Int], leafWeights: [Double],
    targetCount: Int, aggregate: TreeAggregate = .sum
  ) {
    self.features = features
    self.comparisons = comparisons
    self.thresholds = thresholds
    self.members = members
    self.trueChildren = trueChildren
    self.falseChildren = falseChildren
    self.missingTracksTrue = missingTracksTrue
    self.roots = roots
    self.leafTargets = leafTargets
    self.leafWeights = leafWeights
    self.targetCount = targetCount
    self.aggregate = aggregate
  }

  private func checked() throws {
    let count = features.count, leaves = leafTargets.count
    func isPlace(_ place: Int) -> Bool { place >= 0 ? place < count : -(place + 1) < leaves }
    guard comparisons.count == count, thresholds.count == count, trueChildren.count == count, falseChildren.count == count,
      members.isEmpty || members.count == count, missingTracksTrue.isEmpty || missingTracksTrue.count == count,
      leafWeights.count == leaves, targetCount > 0, targetCount < 1 << 24, (trueChildren + falseChildren + roots).allSatisfy(isPlace),
      leafTargets.allSatisfy({ (0..<targetCount).contains($0) }), features.allSatisfy({ $0 >= 0 }),
      comparisons.allSatisfy({ TreeComparison(rawValue: $0) != nil })
    else { throw GraphError(.invalidAttribute, "TreeEnsemble: trees of \(count) nodes and \(leaves) leaves do not hold together") }
  }

  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self).type
    try checked()
    return [TensorType(x.dtype, .ranked([x.shape.dims?.first ?? .unknown, .fixed(targetCount)]))]
  }

  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    try checked()
    guard x.rank == 2, x.dtype.isFloatingPoint, (features.max() ?? -1) < x.shape[1] else {
      throw ExecutionError(.shapeMismatch, "TreeEnsemble of \(x.type)")
    }
    let values = x.doubles(), width = x.shape[1]
    var out = [Double](repeating: 0, count: x.shape[0] * targetCount)
    for row in 0..<x.shape[0] {
      let sample = values[(row * width)..<((row + 1) * width)]
      var sums = [Double?](repeating: nil, count: targetCount)
      for root in roots {
        let leaf = try reached(from: root, sample)
        let weight = leafWeights[leaf], known = sums[leafTargets[leaf]]
        switch aggregate {
        case .sum, .average: sums[leafTargets[leaf]] = (known ?? 0) + weight
        case .minimum: sums[leafTargets[leaf]] = min(known ?? .infinity, weight)
        case .maximum: sums[leafTargets[leaf]] = max(known ?? -.infinity, weight)
        }
      }
      for target in 0..<targetCount {
        out[row * targetCount + target] = (sums[target] ?? 0) / (aggregate == .average ? Double(max(1, roots.count)) : 1)
      }
    }
    return [try NDArray(out, [x.shape[0], targetCount]).cast(to: x.dtype, in: context)]
  }

  private func reached(from root: Int, _ sample: ArraySlice<Double>) throws -> Int {
    var place = root, steps = 0
    while place >= 0 {
      guard steps <= features.count else { throw ExecutionError(.invalidValue, "TreeEnsemble: the nodes of a tree form a circle") }
      steps += 1
      let value = sample[sample.startIndex + features[place]], threshold = thresholds[place]
      var isTrue: Bool
      switch TreeComparison(rawValue: comparisons[place]) {
      case .less: isTrue = value < threshold
      case .greaterOrEqual: isTrue = value >= threshold
      case .greater: isTrue = value > threshold
      case .equal: isTrue = value == threshold
      case .notEqual: isTrue = value != threshold
      case .member: isTrue = place < members.count && members[place].contains(value)
      case .lessOrEqual, nil: isTrue = value <= threshold
      }
      if value.isNaN, !missingTracksTrue.isEmpty {
        isTrue = missingTracksTrue[place] != 0 || isTrue && comparisons[place] == TreeComparison.notEqual.rawValue
      }
      place = isTrue ? trueChildren[place] : falseChildren[place]
    }
    return -(place + 1)
  }
}
