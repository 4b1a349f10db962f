import ModelGraph
import ModelOps
import ModelTensor

/// The ops of `fixtures/ops/Reduction.json`.
public enum ReductionCases {
  public static let kinds: [String: ReductionKind] = [
    "Sum": .sum, "Mean": .mean, "Max": .max, "Min": .min, "Prod": .prod, "SumSquare": .sumSquare, "L1": .l1, "L2": .l2,
    "LogSum": .logSum, "LogSumExp": .logSumExp,
  ]
  /// Names spell the attributes: `Mean/[0, 2]/0`, `ArgMax/1/0/1`, `TopK/-1/1`.
  public static func op(_ name: String) -> (any Op)? {
    let parts = name.split(separator: "/").map(String.init)
    if let kind = kinds[parts[0]] {
      return ReduceOp(kind, keepDims: parts.last != "0", noopWithEmptyAxes: parts.last == "noop")
    }
    let losses: [String: LossReduction] = ["none": .none, "sum": .sum, "mean": .mean]
    switch parts[0] {
    case "CumProd": return CumProdOp(reverse: parts.count > 2)
    case "ArgMax": return ArgMaxOp(axis: Int(parts[1]) ?? 0, keepDims: parts[2] == "1", selectLast: parts[3] == "1")
    case "ArgMin": return ArgMinOp(axis: Int(parts[1]) ?? 0, keepDims: parts[2] == "1", selectLast: parts[3] == "1")
    case "TopK": return TopKOp(axis: Int(parts[1]) ?? 0, largest: parts[2] == "1")
    case "NegativeLogLikelihoodLoss": return losses[parts[1]].map { NegativeLogLikelihoodLossOp(reduction: $0, ignoreIndex: 2) }
    case "SoftmaxCrossEntropyLoss": return losses[parts[1]].map { SoftmaxCrossEntropyLossOp(reduction: $0, resultCount: 2) }
    default: return nil
    }
  }
  public static func op(_ recorded: RecordedCase) -> (any Op)? { op(recorded.name) }
}
