extension TFLiteOperator {
  /// The subgraphs whose operators are read in place of this one, by its options.
  var bodies: [Int] {
    switch builtinOptions {
    case .ifOptions(let o): return [o.thenSubgraphIndex, o.elseSubgraphIndex].map { Int($0) }
    case .whileOptions(let o): return [o.condSubgraphIndex, o.bodySubgraphIndex].map { Int($0) }
    case .callOptions(let o): return [Int(o.subgraph)]
    default: break
    }
    switch builtinOptions2 {
    case .stablehloCaseOptions(let o): return (o.branchSubgraphIndices ?? []).map { Int($0) }
    case .stableHLOCompositeOptions(let o): return [Int(o.decompositionSubgraphIndex)]
    default: return []
    }
  }
}
