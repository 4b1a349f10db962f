extension SubgraphFrame {
  /// Whether LiteRT may learn the size of some tensor only while it runs.
  ///
  /// It prepares operators up to the first such one before it runs, and gives every variable its place then: one that a later
  /// operator makes larger than the file says keeps the small place, and lies over its neighbour.
  var mayBeDynamic: Bool { steps.contains { isDynamic($0) } }

  private func isDynamic(_ step: Step) -> Bool {
    /// Whether inputs that tell an extent are computed.
    func computed(_ places: [Int]) -> Bool {
      places.contains { place in
        guard step.inputs.indices.contains(place), step.inputs[place] >= 0 else { return false }
        return entries[step.inputs[place]].constant == nil
      }
    }
    switch step.builtin {
    case .while, .if, .where, .unique, .nonMaxSuppressionV4, .nonMaxSuppressionV5, .custom, .segmentSum: return true
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
