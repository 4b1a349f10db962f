import ModelTensor

/// Joins operators of a finished subgraph where one says it all, and drops what nothing uses.
enum Fusing {
  static func run(_ finished: WrittenSubgraphs.Finished) {
    removeUnused(finished)
  }

  static func removeUnused(_ finished: WrittenSubgraphs.Finished) {
    let frame = finished.frame
    var used = Set(finished.outputs), kept = [Bool](repeating: false, count: frame.steps.count)
    for place in frame.steps.indices.reversed() {
      let step = frame.steps[place]
      guard step.outputs.contains(where: { used.contains($0) }) else { continue }
      kept[place] = true
      used.formUnion(step.inputs)
    }
    frame.steps = frame.steps.indices.filter { kept[$0] }.map { frame.steps[$0] }
  }
}
