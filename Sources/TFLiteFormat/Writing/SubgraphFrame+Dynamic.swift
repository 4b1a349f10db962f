extension SubgraphFrame {
  /// Whether LiteRT may learn the size of some tensor only while it runs.
  ///
  /// It prepares operators up to the first such one before it runs, and gives every variable its place then: one that a later
  /// operator makes larger than the file says keeps the small place, and lies over its neighbour.
  func mayBeDynamic(_ library: WrittenSubgraphs, depth: Int = 0) -> Bool {
    steps.contains { step in
      if case .whileOptions(let options) = step.options, step.builtin == .while {
        return depth >= 16 || !library.keepsSizes(Int(options.bodySubgraphIndex), depth: depth + 1)
      }
      return isDynamic(step)
    }
  }

  private func isDynamic(_ step: Step) -> Bool {
    /// Whether inputs that tell an extent are computed.
    func computed(_ places: [Int]) -> Bool {
      places.contains { place in
        guard step.inputs.indices.contains(place), step.inputs[place] >= 0 else { return false }
        return entries[step.inputs[place]].constant == nil
      }
    }
    switch step.builtin {
    case .if, .where, .unique, .nonMaxSuppressionV4, .nonMaxSuppressionV5, .custom, .segmentSum: return true
    case .fill, .transposeConv, .conv3dTranspose: return computed([0])
    case .range: return computed([0, 1, 2])
    case .scatterNd: return computed([2])
    case .sparseToDense, .topkV2, .oneHot, .expandDims, .reshape, .tile, .broadcastTo, .transpose, .resizeBilinear, .resizeNearestNeighbor,
      .pad, .padv2, .mirrorPad, .mean, .sum, .reduceProd, .reduceMax, .reduceMin, .reduceAny, .reduceAll:
      return computed([1])
    case .slice, .spaceToBatchNd, .batchToSpaceNd, .splitV: return computed([1, 2])
    case .stridedSlice: return computed([1, 2, 3])
    default: return false
    }
  }
}

extension WrittenSubgraphs {
  /// Whether a loop's body knows all sizes beforehand and gives its variables the sizes they came with: LiteRT gives those behind the
  /// loop their place before it runs then.
  fileprivate func keepsSizes(_ index: Int, depth: Int) -> Bool {
    guard subgraphs.indices.contains(index) else { return false }
    let body = subgraphs[index]
    guard body.inputs.count == body.outputs.count, !body.frame.mayBeDynamic(self, depth: depth) else { return false }
    return zip(body.inputs, body.outputs).allSatisfy { input, output in
      let before = body.frame.entries[input].type.shape
      return before.rank != nil && before == body.frame.entries[output].type.shape
    }
  }
}
