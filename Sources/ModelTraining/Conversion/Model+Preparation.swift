import ModelGraph
import ModelOps
import ModelPasses

extension ModelGraph.Model {
  /// The same model in ops that say what they were: batch normalisation, and walks along sequences in the place of loops, which run as often as
  /// some data say. Its parameters stay themselves.
  /// - Returns: the model, and of each of its parameters which of this one's it is.
  func preparedForTraining() throws -> (model: ModelGraph.Model, origins: [ParameterID: ParameterID]) {
    var result = self
    try RecognizeBatchNormalization().run(&result)
    let same = Dictionary(uniqueKeysWithValues: parameterIDs.map { ($0, $0) })
    let hasLoops = result.graphs.values.contains { graph in graph.nodeSlots.contains { $0?.op is WhileOp || $0?.op is LoopOp } }
    guard hasLoops else { return (result, same) }

    // Passes number parameters anew: names tell them meanwhile.
    var walked = result, numbers: [String: ParameterID] = [:]
    for id in walked.parameterIDs {
      walked[id].name = "parameter \(id.raw)"
      numbers[walked[id].name] = id
    }
    var folding = FoldConstants()
    folding.keepsParameters = true
    let passes: [any Pass] = [NameExtents(), ResolveBranches(), folding, RecognizeScan()]
    for pass in passes { try pass.run(&walked) }
    var origins: [ParameterID: ParameterID] = [:]
    for id in walked.parameterIDs {
      guard let origin = numbers[walked[id].name], walked[id].tensor.type == self[origin].tensor.type else {
        // A weight made of others would learn in their place.
        if walked[id].tensor.dtype.isFloatingPoint { return (result, same) }
        continue
      }
      origins[id] = origin
      walked[id].name = self[origin].name
    }
    return (walked, origins)
  }
}
